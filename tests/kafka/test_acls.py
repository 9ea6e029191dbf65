"""ACLs: what `dataflow acl --apply` gives is what the broker has, and one without access control says so."""

from collections.abc import Iterator

import pytest
from chaos.rights import ACCESS_CONTROL
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from dataflow.demo.broker import EmbeddedBroker
from dataflow.errors import Misconfigured
from dataflow.kafka.acls import GrantedRight, grant
from dataflow.kafka.connection import connection
from dataflow.provisioning.kafka_acls import RIGHTS, acls_of
from dataflow.settings import Settings


@pytest.fixture
def guarded(tmp_path) -> Iterator[EmbeddedBroker]:
    """Return a broker with access control."""
    broker = EmbeddedBroker(tmp_path / "broker", properties=ACCESS_CONTROL)
    broker.start()
    broker.wait_ready()
    yield broker
    broker.kill()


def granted_at(broker: EmbeddedBroker) -> set[tuple[str, str, str, str, str]]:
    """Return what the broker says, by a client of somebody else."""
    everything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    client = AdminClient({"bootstrap.servers": broker.address})
    found = client.describe_acls(everything).result(30)
    return {
        (one.principal, one.restype.name, one.name, one.operation.name, one.resource_pattern_type.name)
        for one in found
        if one.permission_type is AclPermissionType.ALLOW and one.host == "*"
    }


async def test_every_right_of_every_role_is_given_once(guarded: EmbeddedBroker):
    """A number that is wrong would give another right, and nobody would be told."""
    rights = [
        GrantedRight(f"User:{role}", str(acl.kind), acl.name, str(acl.operation), acl.is_prefix)
        for role in RIGHTS
        for acl in acls_of(role, Settings())
    ]
    for _ in range(2):
        await grant(connection([guarded.address]), rights)
        assert granted_at(guarded) == {
            (
                one.principal,
                one.kind.upper().replace("-", "_"),
                one.name,
                {"DescribeConfigs": "DESCRIBE_CONFIGS"}.get(one.operation, one.operation.upper()),
                "PREFIXED" if one.is_prefix else "LITERAL",
            )
            for one in rights
        }


async def test_a_broker_without_access_control_is_told(broker: EmbeddedBroker):
    """Else whoever runs the job believes that the rights hold."""
    right = GrantedRight("User:ann", "topic", "expedia", "Read", is_prefix=False)
    with pytest.raises(
        Misconfigured, match=r"right Read on topic expedia of User:ann is refused by the broker"
    ):
        await grant(connection([broker.address]), [right])
