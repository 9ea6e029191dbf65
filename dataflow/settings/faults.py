"""Faults of the settings: a plain line for each."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import get_args

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dataflow.errors import one_of
from dataflow.masking import masked_setting
from dataflow.settings.broker_faults import broker_contradictions
from dataflow.settings.secret_files import is_secret

# Kubernetes sets variables for Services in every pod, and a Service may be called dataflow.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$")
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})", re.ASCII)
_HOST = re.compile(r"(https?://)?[\w.-]+:\d+", re.ASCII)  # an address that holds no secret
_REQUIRED_BY = (
    ("DATAFLOW_BROKER_KEY_FILE", "DATAFLOW_BROKER_CERT_FILE", "a file"),
    ("DATAFLOW_BROKER_CERT_FILE", "DATAFLOW_BROKER_KEY_FILE", "a file"),
    ("DATAFLOW_OPENSEARCH_KEY_FILE", "DATAFLOW_OPENSEARCH_CERT_FILE", "a file"),
    ("DATAFLOW_OPENSEARCH_CERT_FILE", "DATAFLOW_OPENSEARCH_KEY_FILE", "a file"),
    ("DATAFLOW_INGEST_INPUTS", "DATAFLOW_INGEST_SCHEDULE", "a value"),
    ("DATAFLOW_INGEST_SCHEDULE", "DATAFLOW_INGEST_INPUTS", "a value"),
    ("DATAFLOW_WEB_TLS_KEY_FILE", "DATAFLOW_WEB_TLS_CERT_FILE", "a file"),
    ("DATAFLOW_WEB_TLS_CERT_FILE", "DATAFLOW_WEB_TLS_KEY_FILE", "a file"),
    ("DATAFLOW_WEB_TLS_CERT_FILE", "DATAFLOW_WEB_TLS_CLIENT_CA_FILE", "a file"),
    ("DATAFLOW_WEB_TLS_CERT_FILE", "DATAFLOW_WEB_PLAIN_PORT", "a file"),
)
_REMOVED = {
    "DATAFLOW_DELIVERY": "every worker delivers exactly once. at_least_once lost counts when a frozen "
    "worker woke, and is no more; a broker needs transactions",
    "DATAFLOW_INGEST_TLS_PORT": "with DATAFLOW_WEB_TLS_CERT_FILE the web port itself speaks HTTPS",
    "DATAFLOW_INGEST_TLS_CERT_FILE": "DATAFLOW_WEB_TLS_CERT_FILE has taken its place, for all routes",
    "DATAFLOW_INGEST_TLS_KEY_FILE": "DATAFLOW_WEB_TLS_KEY_FILE has taken its place",
    "DATAFLOW_INGEST_TLS_CLIENT_CA_FILE": "DATAFLOW_WEB_TLS_CLIENT_CA_FILE has taken its place",
    "DATAFLOW_INGEST_HTPASSWD_FILE": "write each user into the file of DATAFLOW_ACCESS_FILE: [users.NAME], "
    """password = "HASH", roles = ["send"]; docs/security.md says how""",
    "DATAFLOW_INGEST_TOKEN_FILE": "write each token into the file of DATAFLOW_ACCESS_FILE: [tokens.NAME], "
    """sha256 = "HASH", roles = ["send"]; docs/security.md says how""",
    "DATAFLOW_INGEST_OPEN": "set DATAFLOW_OPEN_ROLES=read,send,edit for what true allowed (docs/security.md)",
}


def known_brokers(text: str) -> str:
    """Check `host:port[,...]`, and drop the spaces around the commas."""
    addresses = [part.strip() for part in text.split(",")]
    for address in addresses:
        match = _HOST_AND_PORT.fullmatch(address)
        if not match or not 0 < int(match[2]) < 65_536:
            raise ValueError("host:port, or several with commas between them")
    return ",".join(addresses)


def split_names(names: str | tuple[str, ...]) -> tuple[str, ...]:
    """Read names with commas between them."""
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(name for part in parts if (name := part.strip()))


def unknown_names(given: Mapping[str, str], known: set[str]) -> Iterator[str]:
    """Yield a fault for each unknown variable that looks like a setting."""
    for name in given:
        if name in _REMOVED:
            yield f"{name} is '{masked_setting(given[name])}'; expected it to be unset: {_REMOVED[name]}"
        elif name.startswith("DATAFLOW_") and name not in known and not _is_service_link(name, given[name]):
            own_part = name.removeprefix("DATAFLOW_")
            near = get_close_matches(own_part, [one.removeprefix("DATAFLOW_") for one in known], n=1)
            hint = f"DATAFLOW_{near[0]}" if near else "a name that `dataflow settings` lists"
            yield f"{name} is not a setting; expected {hint}"


def not_utf8(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable whose bytes are no text, with its fault: nothing could be made of it later."""
    for name, text in given.items():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            yield name, f"{name} has a byte that is not UTF-8, at {error.start}; expected text"


def contradictions(given: Mapping[str, str]) -> Iterator[str]:
    """Yield a fault for each setting that another one requires or excludes."""
    yield from broker_contradictions(given)
    encryption = given.get("DATAFLOW_S3_ENCRYPTION", "")
    if "DATAFLOW_S3_KMS_KEY" in given and not encryption.startswith("aws:kms"):
        yield "DATAFLOW_S3_KMS_KEY is set; expected aws:kms or aws:kms:dsse for DATAFLOW_S3_ENCRYPTION"
    yield from _one_without_the_other(given)


def _one_without_the_other(given: Mapping[str, str]) -> Iterator[str]:
    for name, other, expected in _REQUIRED_BY:
        if other in given and name not in given:
            yield f"{name} is not set; expected {expected}, for {other} is set"


def describe_fault(
    variable: str, given: Mapping[str, str], fault: ErrorDetails, fields: Mapping[str, FieldInfo]
) -> str:
    """Say what one variable is and what it should have been."""
    field = fields[variable.removeprefix("DATAFLOW_").lower()]
    text = given.get(variable, "")
    is_hidden = is_secret(field.annotation) and not _HOST.fullmatch(text)
    is_hidden |= is_secret(field.annotation, SecretStr)
    value = "a secret" if is_hidden else f"'{masked_setting(text)}'"
    return f"{variable} is {value}; expected {_expected(fault, field)}"


def _expected(fault: ErrorDetails, field: FieldInfo) -> str:
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    if fault["type"] == "path_not_file":
        return "a file that exists"
    if fault["type"] == "string_pattern_mismatch":
        return f"text that matches {fault['ctx']['pattern']}"
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return one_of([str(member.value) for member in kind])
    return _number(field)


def _number(field: FieldInfo) -> str:
    text = "a whole number" if int in (field.annotation, *get_args(field.annotation)) else "a number"
    for bound in field.metadata:
        match bound:
            case Ge(ge=least):
                text += f" of at least {least}"
            case Gt(gt=least):
                text += f" above {least}"
            case Le(le=most):
                text += f" and at most {most}"
    return text


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.search(name)) or (name.endswith("_PORT") and "://" in value)
