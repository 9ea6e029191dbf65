"""Deployment secrets: every secret that a deployment needs, each a file of a folder."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from dataflow.errors import Misconfigured
from dataflow.provisioning.access_entries import make_access_file
from dataflow.provisioning.certificate_files import make_certificates
from dataflow.provisioning.kafka_logins import broker_logins, tool_properties
from dataflow.provisioning.kafka_users import ADMIN, ROLES, kafka_user
from dataflow.provisioning.passwords import make_password
from dataflow.provisioning.secret_folder import SecretFolder

PASSWORDS: Final = (
    "worker-secret", "admin-password", "admin-token", "metrics-token", "sender-token",
    "postgres-admin-password", "postgres-password", "s3-secret-key",
    "opensearch-admin-password", "opensearch-password", "grafana-password",
)  # fmt: skip
TOKENS: Final = {"admin-token": "admin", "metrics-token": "metrics", "sender-token": "send"}
"""The role of each token in the access file."""

TAKEN: Final = {*string.ascii_letters, *string.digits, *string.punctuation} - {*'"\\$'}
"""Characters of a secret that somebody has put there: every file that it gets into takes them as they are."""
IGNORED: Final = b"*\n"


@dataclass(frozen=True, slots=True)
class SecretOptions:
    """What is asked for."""

    hosts: Mapping[str, Sequence[str]]
    """Names and addresses by which each server is reached, beside its own name and localhost."""
    days: int
    """How long a certificate of a server is valid."""
    mounted: PurePosixPath
    """Where containers find the files of the folder."""


def make_secrets(folder: SecretFolder, options: SecretOptions) -> None:
    """Make what is missing in the folder; what is there stays as it is. Raises `Misconfigured`."""
    folder.derive(".gitignore", IGNORED)
    texts = {name: _password(folder, name) for name in PASSWORDS}
    make_access_file(folder, texts["admin-password"], {texts[name]: role for name, role in TOKENS.items()})
    url = f"postgresql://dataflow:{quote(texts['postgres-password'], safe='')}@postgres:5432/dataflow"
    folder.derive(
        "postgres-url", f"{url}?sslmode=verify-full&sslrootcert={options.mounted}/ca.crt\n".encode()
    )
    authority = make_certificates(folder, options.hosts, options.days)
    users = {ADMIN: _password(folder, f"kafka-{ADMIN}-password")}
    users |= {kafka_user(role): _password(folder, f"kafka-{role}-password") for role in ROLES}
    folder.derive("kafka-users.jaas", broker_logins(users))
    folder.derive("kafka-admin.properties", tool_properties(users[ADMIN], authority))


def _password(folder: SecretFolder, name: str) -> str:
    text = folder.keep(name, lambda: make_password().encode() + b"\n").decode(errors="replace").strip()
    if not text:
        raise Misconfigured(f"file {folder.path / name} is empty; expected a secret in it, or no file")
    if refused := set(text) - TAKEN:
        raise Misconfigured(
            f"file {folder.path / name} has {', '.join(sorted(map(ascii, refused)))} in it; expected "
            'a secret of ASCII letters, digits and punctuation without ", \\ and $, which files of servers '
            "quote each in its own way"
        )
    return text
