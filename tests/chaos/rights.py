"""Rights: what a broker lets everybody do; one of it taken away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

Rule = TypeVar("Rule", AclBinding, AclBindingFilter)

EVERYBODY = "User:*"

ACCESS_CONTROL = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
"""Properties of a broker with access control, which allows everything until somebody denies something."""


class Right(NamedTuple):
    """An operation on all resources whose name begins like this."""

    kind: ResourceType
    name: str
    operation: AclOperation

    def rules(self, rule: type[Rule]) -> list[Rule]:
        """Return what denies it, and allows everything else: where there is any rule, it takes one."""
        where = self.kind, self.name, ResourcePatternType.PREFIXED, EVERYBODY, "*"
        return [
            rule(*where, AclOperation.ALL, AclPermissionType.ALLOW),
            rule(*where, self.operation, AclPermissionType.DENY),
        ]


@contextmanager
def denied(address: str, right: Right) -> Iterator[None]:
    """Take a right away from everybody."""
    admin = AdminClient({"bootstrap.servers": address})
    for made in admin.create_acls(right.rules(AclBinding)).values():
        made.result(30)
    try:
        yield
    finally:
        for deleted in admin.delete_acls(right.rules(AclBindingFilter)).values():
            deleted.result(30)
