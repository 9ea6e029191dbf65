"""Members of a consumer group, as its coordinator describes them."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import GroupAuthorizationFailedError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response

STABLE = "Stable"
"""State of a group between two rebalances; in another one, members are described without what they have."""


class Connected(Protocol):
    """What has connections to the broker, and may lose them."""

    @property
    def client(self) -> AIOKafkaClient | None:
        """The connections; None while there are none."""


class GroupMember(NamedTuple):
    """A member of a group: what it has told the group about itself, and its partitions by topic."""

    member_id: str
    client_host: str
    user_data: bytes
    partitions: Mapping[str, list[int]]
    version: int
    """Of what it has told."""


async def send_to_coordinator(
    client: AIOKafkaClient, group: str, request: Request[RequestStruct]
) -> Response:
    """Return what the coordinator of a group answers."""
    try:
        node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    except GroupAuthorizationFailedError as error:  # which does not say of which group
        raise GroupAuthorizationFailedError(group) from error
    await client.ready(node, group=ConnectionGroup.COORDINATION)
    return await client.send(node, request, group=ConnectionGroup.COORDINATION)


async def list_groups(client: AIOKafkaClient) -> set[str]:
    """Return the groups that all brokers know together. Raises `KafkaError`."""
    groups: set[str] = set()
    for broker in client.cluster.brokers():
        answer = await client.send(broker.nodeId, ListGroupsRequest())
        if answer.error_code:  # one that is just loading its groups does not tell all of them
            error = for_code(answer.error_code)
            raise error
        groups |= {group for group, *_ in answer.groups}
    return groups


async def describe_members(client: AIOKafkaClient, group: str) -> list[GroupMember] | None:
    """Return the members of a group; None while it is rebalancing. Raises `KafkaError`."""
    answer = await send_to_coordinator(client, group, DescribeGroupsRequest([group]))
    [(code, _, state, _, _, members, *_)] = answer.groups
    if code:
        error = for_code(code)
        raise error(group)
    if members and state != STABLE:
        return None
    return [
        GroupMember(
            member_id,
            client_host.removeprefix("/"),
            told.user_data,
            dict(ConsumerProtocol.ASSIGNMENT.decode(assignment).assignment) if assignment else {},
            told.version,
        )
        for member_id, _, client_host, metadata, assignment in members
        for told in (ConsumerProtocol.METADATA.decode(metadata),)
    ]
