"""Kafka logins: passwords in; what a broker with SASL PLAIN, and Kafka's own tools, read of them out."""

from collections.abc import Mapping
from typing import Final

from dataflow.provisioning.kafka_users import ADMIN

_MODULE: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def broker_logins(passwords: Mapping[str, str]) -> bytes:
    """Return the JAAS file of a broker that knows these users, and is the admin to other brokers."""
    known = "".join(f'\n  user_{user}="{password}"' for user, password in passwords.items())
    return f"KafkaServer {{\n  {_login(passwords[ADMIN])}{known};\n}};\n".encode()


def tool_properties(password: str, authority: bytes) -> bytes:
    """Return what Kafka's own tools need to work as the admin (`--command-config`)."""
    lines = (
        "security.protocol=SASL_SSL",
        "sasl.mechanism=PLAIN",
        f"sasl.jaas.config={_login(password)};",
        "ssl.truststore.type=PEM",
        "ssl.truststore.certificates=" + "\\n\\\n".join(authority.decode().splitlines()),
    )
    return ("\n".join(lines) + "\n").encode()


def _login(password: str) -> str:
    return f'{_MODULE} username="{ADMIN}" password="{password}"'
