"""Rights: each one that a role needs, asked for by a request that changes nothing."""

from collections.abc import AsyncIterator, Mapping

from dataflow.cli.doctor.finding import Examined, Finding, error, ok
from dataflow.kafka.acls import OPERATIONS
from dataflow.kafka.connection import principal_of
from dataflow.kafka.dry_requests import may_describe_group, may_read_group, may_write_transactional_id
from dataflow.kafka.topic_states import TopicState, topic_states
from dataflow.provisioning.kafka_acls import Acl, Kind, Operation, acls_of

CHECK = "rights"


async def rights(examined: Examined) -> AsyncIterator[Finding]:
    """Ask for each right; those to topics are told by the broker itself (KIP-430)."""
    acls = acls_of(examined.role, examined.settings)
    topics = {acl.name for acl in acls if acl.kind is Kind.TOPIC}
    states = await topic_states(examined.admin.client, topics)
    missing = [acl for acl in acls if not await _has(examined, acl, states)]
    who = principal_of(examined.connection)
    for acl in missing:
        names = f"{'names that begin with ' if acl.is_prefix else ''}{acl.name}"
        yield error(
            CHECK,
            f"{who} is denied operation {acl.operation.name} on {acl.kind} {names}",
            f"this right for role {examined.role}",
            f"grant it: `dataflow acl {examined.role}` prints all rights of this role",
        )
    if not missing:
        yield ok(CHECK, f"{who} has all {len(acls)} rights of role {examined.role}")


async def _has(examined: Examined, acl: Acl, states: Mapping[str, TopicState]) -> bool:
    client, name = examined.admin.client, f"{acl.name}doctor" if acl.is_prefix else acl.name
    match acl.kind, acl.operation:
        case Kind.TRANSACTIONAL_ID, _:
            return await may_write_transactional_id(client, name)
        case Kind.GROUP, Operation.READ:
            return await may_read_group(client, name)
        case Kind.GROUP, _:
            return await may_describe_group(client, name)
        case _:
            state = states.get(name, TopicState())
            return not state.is_hidden and (state.is_missing or state.may(OPERATIONS[acl.operation]))
