"""Leave group: members that have ended leave their group at once, by name or by id (KIP-345)."""

from collections.abc import Collection, Sequence

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import UnknownMemberIdError, for_code
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

from dataflow.kafka.group_members import send_to_coordinator
from dataflow.kafka.offset_commit import PinnedRequest

TEXT = String("utf-8")
MEMBER = (("member_id", TEXT), ("instance_id", TEXT))
BY_INSTANCE_ID = ""
"""In place of a member's id."""


class LeaveGroupResponseV3(Response):
    """An error code for each member."""

    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("error_code", Int16), ("members", Array(*MEMBER, ("error_code", Int16)))
    )


class LeaveGroupRequestV3(RequestStruct):
    """Members of a group, by their names; aiokafka has only versions that take one, by its id."""

    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = LeaveGroupResponseV3
    SCHEMA = Schema(("group", TEXT), ("members", Array(*MEMBER)))


async def remove_dead(client: AIOKafkaClient, group: str, member_id: str) -> bool:
    """Have a member without a name leave; tell whether the group still had it. Raises `KafkaError`."""
    return not await _remove(client, group, [(member_id, None)])


async def remove_members(client: AIOKafkaClient, group: str, instance_ids: Collection[str]) -> set[str]:
    """Have static members leave; return those that the group did not have. Raises `KafkaError`."""
    return await _remove(client, group, [(BY_INSTANCE_ID, name) for name in instance_ids])


async def _remove(client: AIOKafkaClient, group: str, members: Sequence[tuple[str, str | None]]) -> set[str]:
    """Return the names, or else the ids, of those that the group did not have."""
    request = PinnedRequest(LeaveGroupRequestV3(group, members))
    answer = await send_to_coordinator(client, group, request)
    codes = {name or member_id: code for member_id, name, code in answer.members}
    unknown = {member for member, code in codes.items() if code == UnknownMemberIdError.errno}
    for code in (answer.error_code, *(codes[member] for member in codes.keys() - unknown)):
        if code:
            error = for_code(code)
            raise error(group)
    return unknown
