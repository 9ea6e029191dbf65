"""Dry requests: asks a broker whether something is allowed, by requests that change nothing."""

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupAuthorizationFailedError, TransactionalIdAuthorizationFailed
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.transaction import AddOffsetsToTxnRequest

NOBODY, NO_GENERATION, NO_PRODUCER = "nobody", -1, -1
"""A broker looks at rights first, and then answers that it knows no such member or producer."""


async def may_describe_group(client: AIOKafkaClient, group: str) -> bool:
    """Tell whether we may DESCRIBE a group, which need not exist."""
    answer = await _ask(client, DescribeGroupsRequest([group]))
    return bool(answer.groups[0][0] != GroupAuthorizationFailedError.errno)


async def may_read_group(client: AIOKafkaClient, group: str) -> bool:
    """Tell whether we may READ a group: join it, and commit its offsets."""
    answer = await _ask(client, HeartbeatRequest(group, NO_GENERATION, NOBODY))
    return bool(answer.error_code != GroupAuthorizationFailedError.errno)


async def may_write_transactional_id(client: AIOKafkaClient, transactional_id: str) -> bool:
    """Tell whether we may WRITE with a transactional id; no producer of it is fenced."""
    request = AddOffsetsToTxnRequest(transactional_id, NO_PRODUCER, NO_PRODUCER, NOBODY)
    answer = await _ask(client, request)
    return bool(answer.error_code != TransactionalIdAuthorizationFailed.errno)


async def _ask(client: AIOKafkaClient, request: Request[RequestStruct]) -> Response:
    node = client.get_random_node()
    return await client.send(node, request)
