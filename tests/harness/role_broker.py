"""A broker with a user for each role, by `secrets init`; it logs which rights each needs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.kafka import SMALL_JVM
from dataflow.demo.broker.ports import HOST, free_port
from dataflow.kafka.connection import connection
from dataflow.provisioning.deployment_secrets import SecretOptions, make_secrets
from dataflow.provisioning.kafka_acls import RIGHTS, Acl, Kind, Operation, acls_of
from dataflow.provisioning.kafka_users import kafka_user
from dataflow.provisioning.secret_folder import SecretFolder
from dataflow.settings import Settings

RESOURCES = {
    Kind.TOPIC: ResourceType.TOPIC,
    Kind.GROUP: ResourceType.GROUP,
    Kind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
}
OPERATIONS = {operation: AclOperation[operation.name] for operation in Operation}
LOGGED = re.compile(
    r"Principal = User:(?P<user>\S+) is (?P<verdict>Allowed|Denied) "
    r"operation = (?P<operation>\w+) from host = \S+ "
    r"on resource = (?P<resource>\S+) for request = (?P<request>\w+) .*? based on rule (?P<rule>.*)"
)
RULE = re.compile(r"resourceType=(\w+), resourceName=([^,]*), patternType=(\w+), .*operation=(\w+)")


@dataclass(frozen=True)
class RoleBroker:
    """A broker that lets each user do what its role needs."""

    broker: EmbeddedBroker
    kafka: KafkaClient
    """A client that may do anything."""
    address: str
    """Where users log in."""
    secrets: Path

    def login(self, role: str) -> dict[str, str]:
        """Return the settings by which a worker of a role reaches it."""
        return {
            "DATAFLOW_BROKER": self.address,
            "DATAFLOW_BROKER_SECURITY": "sasl_ssl",
            "DATAFLOW_BROKER_SASL_MECHANISM": "PLAIN",
            "DATAFLOW_BROKER_USERNAME": kafka_user(role),
            "DATAFLOW_BROKER_PASSWORD_FILE": str(self.secrets / f"kafka-{role}-password"),
            "DATAFLOW_BROKER_CA_FILE": str(self.secrets / "ca.crt"),
        }

    def connection(self, role: str) -> dict[str, object]:
        """Return how a client of a role reaches it."""
        password = (self.secrets / f"kafka-{role}-password").read_text().strip()
        return connection(
            [self.address],
            security="sasl_ssl",
            username=kafka_user(role),
            password=password,
            ca_file=self.secrets / "ca.crt",
        )

    def logged(self, role: str) -> Iterator[re.Match[str]]:
        """Yield what the broker has said of each request of a role."""
        for line in (self.broker.home / "log").read_text().splitlines():
            found = LOGGED.search(line)
            if found is not None and found["user"] == kafka_user(role):
                yield found

    def denied(self, role: str) -> set[str]:
        """Return what a role has asked for in vain."""
        return {
            f"{said['operation']} on {said['resource']} by {said['request']}"
            for said in self.logged(role)
            if said["verdict"] == "Denied"
        }

    def used(self, role: str) -> set[tuple[str, str, str]]:
        """Return which rights of a role something has needed, as the broker writes them."""
        rules = (RULE.search(said["rule"]) for said in self.logged(role) if said["verdict"] == "Allowed")
        return {(rule[1], rule[2], rule[4]) for rule in rules if rule is not None}


def as_logged(acl: Acl) -> tuple[str, str, str]:
    """Return a right as the broker writes it."""
    return acl.kind.name, acl.name, acl.operation.name


def _binding(role: str, acl: Acl) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if acl.is_prefix else ResourcePatternType.LITERAL
    who = f"User:{kafka_user(role)}", "*"
    return AclBinding(
        RESOURCES[acl.kind], acl.name, pattern, *who, OPERATIONS[acl.operation], AclPermissionType.ALLOW
    )


@contextmanager
def role_broker(folder: Path, settings: Settings) -> Iterator[RoleBroker]:
    """Run it."""
    secrets = folder / "secrets"
    make_secrets(SecretFolder(secrets, for_containers=False), SecretOptions({}, 30, PurePosixPath("/run")))
    open_port, port, control = free_port(), free_port(), free_port()
    for_clients = f"PLAINTEXT://{HOST}:{open_port},SASL_SSL://{HOST}:{port}"
    properties: dict[str, str | int] = {
        "listeners": f"{for_clients},CONTROLLER://{HOST}:{control}",
        "advertised.listeners": for_clients,
        "controller.quorum.voters": f"1@{HOST}:{control}",
        "sasl.enabled.mechanisms": "PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(secrets / "kafka.pem"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin;User:ANONYMOUS",
        "group.min.session.timeout.ms": 1000,
    }
    jvm = (
        *SMALL_JVM,
        f"-Djava.security.auth.login.config={secrets / 'kafka-users.jaas'}",
        "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=debug",
    )
    broker = EmbeddedBroker(folder / "broker", open_port, jvm=jvm, properties=properties)
    broker.start()
    broker.wait_ready()
    bindings = [_binding(role, acl) for role in RIGHTS for acl in acls_of(role, settings)]
    admin = AdminClient({"bootstrap.servers": broker.address})
    for made in admin.create_acls(bindings).values():
        made.result(30)
    try:
        yield RoleBroker(broker, KafkaClient(broker.address), f"{HOST}:{port}", secrets)
    finally:
        broker.kill()
