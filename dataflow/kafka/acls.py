"""ACLs: gives rights at the broker, by requests that aiokafka's admin client does not make."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1

from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.offset_commit import PinnedRequest

RESOURCES: Final[Mapping[str, int]] = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
OPERATIONS: Final[Mapping[str, int]] = {
    "All": 2, "Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8, "ClusterAction": 9,
    "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12,
}  # fmt: skip
"""By the names of `kafka-acls.sh`, the numbers of the protocol."""

_LITERAL, _PREFIXED, _ALLOW, _ANY_HOST = 3, 4, 3, "*"


class GrantedRight(NamedTuple):
    """What a principal may do with a resource, or with all whose name begins so."""

    principal: str
    kind: str
    name: str
    operation: str
    is_prefix: bool


async def grant(connection: Mapping[str, object], rights: Iterable[GrantedRight]) -> None:
    """Give these rights; those that are there stay. Raises `Misconfigured` for one that is refused."""
    wanted = list(rights)
    request = PinnedRequest(CreateAclsRequest_v1([_creation(right) for right in wanted]))
    async with running(Admin(connection)) as admin:
        answer = await admin.client.send(admin.client.get_random_node(), request)
    for right, (code, message) in zip(wanted, answer.creation_responses, strict=True):
        if code:
            reason = message or for_code(code).__name__
            raise Misconfigured(
                f"right {right.operation} on {right.kind} {right.name} of {right.principal} is refused by "
                f"the broker: {reason}; expected a user that may alter ACLs, and a broker with an authorizer"
            )


def _creation(right: GrantedRight) -> tuple[int, str, int, str, str, int, int]:
    pattern = _PREFIXED if right.is_prefix else _LITERAL
    kind, operation = RESOURCES[right.kind], OPERATIONS[right.operation]
    return kind, right.name, pattern, right.principal, _ANY_HOST, operation, _ALLOW
