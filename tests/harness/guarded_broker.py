"""A broker with access control: what one user may do there is taken away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from kafka_client import KafkaClient
from secure_broker import SecureListener

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.connection import connection

BOB = "User:bob"
ANY_RESOURCE = {
    ResourceType.TOPIC: "*",
    ResourceType.GROUP: "*",
    ResourceType.TRANSACTIONAL_ID: "*",
    ResourceType.BROKER: "kafka-cluster",
}


@dataclass(frozen=True)
class Guarded:
    """A broker that asks what bob may do."""

    listener: SecureListener
    broker: EmbeddedBroker
    kafka: KafkaClient
    """A client that may do anything."""
    admin: AdminClient
    """Another one."""

    @property
    def as_bob(self) -> dict[str, object]:
        """How bob reaches it."""
        listener = self.listener
        return connection(
            [listener.address],
            security="sasl_ssl",
            username=listener.user,
            password=listener.password,
            ca_file=listener.ca_file,
        )

    @contextmanager
    def denied(self, kind: ResourceType, name: str, operation: AclOperation) -> Iterator[None]:
        """Take a right away from bob for a while."""
        rule = kind, name, ResourcePatternType.LITERAL, BOB, "*", operation, AclPermissionType.DENY
        for done in self.admin.create_acls([AclBinding(*rule)]).values():
            done.result(30)
        try:
            yield
        finally:
            for deleted in self.admin.delete_acls([AclBindingFilter(*rule)]).values():
                deleted.result(30)


@contextmanager
def guarded_broker(folder: Path) -> Iterator[Guarded]:
    """Run a broker with access control, where bob may do everything."""
    listener = SecureListener(folder / "listener")
    access: dict[str, str | int] = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "group.min.session.timeout.ms": 1000,
    }
    broker = EmbeddedBroker(
        folder / "broker", listener.open_port, properties={**listener.properties, **access}
    )
    broker.start()
    broker.wait_ready()
    guarded = Guarded(
        listener, broker, KafkaClient(broker.address), AdminClient({"bootstrap.servers": broker.address})
    )
    everything = AclOperation.ALL, AclPermissionType.ALLOW
    allowed = [
        AclBinding(kind, name, ResourcePatternType.LITERAL, BOB, "*", *everything)
        for kind, name in ANY_RESOURCE.items()
    ]
    for made in guarded.admin.create_acls(allowed).values():
        made.result(30)
    try:
        yield guarded
    finally:
        broker.kill()
