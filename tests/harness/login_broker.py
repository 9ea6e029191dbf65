"""A broker that lets clients in by each kind of login, and knows each of them by a name of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from harness.certificates import Authority
from harness.guarded_broker import ANY_RESOURCE
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import HOST, free_port

PASSWORD = "right"
USERS = ("plain", "scram-256", "scram-512", "token", "CN=mutual")
SCRAM = {"scram-256": ScramMechanism.SCRAM_SHA_256, "scram-512": ScramMechanism.SCRAM_SHA_512}
MODULES = {
    "plain": f'plain.PlainLoginModule required user_plain="{PASSWORD}"',
    "scram-sha-256": "scram.ScramLoginModule required",
    "scram-sha-512": "scram.ScramLoginModule required",
    "oauthbearer": 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"',
}


@dataclass(frozen=True)
class LoginBroker:
    """A running one."""

    folder: Path
    """Holds `ca.crt`, `mutual.crt` and `mutual.key`."""
    kafka: KafkaClient
    """A client that may do anything."""
    sasl: str
    """Where users and tokens are let in."""
    mutual: str
    """Where certificates are."""


@contextmanager
def login_broker(folder: Path) -> Iterator[LoginBroker]:
    """Run it."""
    authority = Authority(folder, "ca").issue("broker").issue("mutual")
    assert authority
    store = folder / "broker.pem"
    store.write_bytes((folder / "broker.key").read_bytes() + (folder / "broker.crt").read_bytes())
    open_port, sasl, mutual, control = (free_port() for _ in range(4))
    for_clients = f"PLAINTEXT://{HOST}:{open_port},SASL_SSL://{HOST}:{sasl},SSL://{HOST}:{mutual}"
    protocols = ("PLAINTEXT", "SASL_SSL", "SSL")
    named = [f"{name}:{name}" for name in protocols]
    module = "org.apache.kafka.common.security"
    properties: dict[str, str | int] = {
        "listeners": f"{for_clients},CONTROLLER://{HOST}:{control}",
        "advertised.listeners": for_clients,
        "listener.security.protocol.map": ",".join([*named, "CONTROLLER:PLAINTEXT"]),
        "controller.quorum.voters": f"1@{HOST}:{control}",
        "sasl.enabled.mechanisms": ",".join(MODULES).upper(),
        **{
            f"listener.name.sasl_ssl.{mechanism}.sasl.jaas.config": f"{module}.{login};"
            for mechanism, login in MODULES.items()
        },
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.crt"),
        "listener.name.ssl.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "group.min.session.timeout.ms": 1000,
    }
    broker = EmbeddedBroker(folder / "broker", open_port, properties=properties)
    broker.start()
    broker.wait_ready()
    admin = AdminClient({"bootstrap.servers": broker.address})
    _let_in(admin)
    try:
        yield LoginBroker(folder, KafkaClient(broker.address), f"{HOST}:{sasl}", f"{HOST}:{mutual}")
    finally:
        broker.kill()


def _let_in(admin: AdminClient) -> None:
    """Give SCRAM users their passwords, and all users all rights."""
    passwords: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        for name, mechanism in SCRAM.items()
    ]
    rules = [
        AclBinding(
            kind,
            name,
            ResourcePatternType.LITERAL,
            f"User:{user}",
            "*",
            AclOperation.ALL,
            AclPermissionType.ALLOW,
        )
        for user in USERS
        for kind, name in ANY_RESOURCE.items()
    ]
    for done in (*admin.alter_user_scram_credentials(passwords).values(), *admin.create_acls(rules).values()):
        done.result(30)
