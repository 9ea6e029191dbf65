"""Settings: read from `DATAFLOW_*` environment variables, checked and frozen."""

import os
import re
import socket
from functools import cache

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from dataflow.errors import Misconfigured
from dataflow.settings.access import AccessSettings
from dataflow.settings.broker import BrokerSettings, Compression, DeliverySettings, SaslMechanism, Security
from dataflow.settings.faults import contradictions, describe_fault, not_utf8, unknown_names
from dataflow.settings.inputs import InputSettings, ReceivingSettings
from dataflow.settings.s3 import ArchiveFormat, ArchiveHour, S3Settings
from dataflow.settings.secret_files import SUFFIX, SecretFiles, is_secret
from dataflow.settings.sinks import SinkSettings
from dataflow.settings.stages import StageSettings
from dataflow.settings.web import WebSettings
from dataflow.settings.worker import LogFormat, LogLevel, LogSettings, Role, WorkerSettings

__all__ = [
    "ArchiveFormat", "ArchiveHour", "Compression", "LogFormat", "LogLevel", "Role",
    "SaslMechanism", "Security", "Settings", "read_settings", "settings", "variable_of",
]  # fmt: skip

PREFIX = "DATAFLOW_"


# Pydantic takes the fields of the last base first: `dataflow settings` lists them from the bottom up.
class Settings(
    LogSettings,
    S3Settings,
    SinkSettings,
    InputSettings,
    ReceivingSettings,
    StageSettings,
    DeliverySettings,
    AccessSettings,
    WebSettings,
    WorkerSettings,
    BrokerSettings,
    BaseSettings,
):
    """All settings, each by the variable `DATAFLOW_` + its name in capitals.

    An empty variable counts as unset. A secret may be in a file, which its variable with `_FILE` names.
    `.env` files are not read: what runs is what the environment says.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    @property
    def worker_name(self) -> str:
        """What this worker is called in logs and by the broker: its instance id, or its host and port."""
        return self.instance_id or f"{socket.gethostname()}:{self.web_port}"

    @property
    def client_id(self) -> str:
        """What its Kafka clients call themselves: logs, quotas and metrics of brokers name the worker."""
        return re.sub(r"[^a-zA-Z0-9._-]", "-", f"{self.app_id}-{self.role}-{self.worker_name}")

    @property
    def types_cdn_logs(self) -> bool:
        """Tell whether filtered CDN lines also go out typed."""
        return self.postgres_url is not None if self.cdn_parsed is None else self.cdn_parsed


def variable_of(field: str) -> str:
    """Return the environment variable that sets a field."""
    return PREFIX + field.upper()


def read_settings() -> Settings:
    """Read the environment as it is now; raise `Misconfigured` with every fault at once, one a line."""
    given = {name.upper(): text for name, text in os.environ.items() if text}
    known = {variable_of(name): name for name in Settings.model_fields}
    secrets = [one for one, name in known.items() if is_secret(Settings.model_fields[name].annotation)]
    files = SecretFiles(given, secrets)
    given |= files.texts
    names = {*known, *(one + SUFFIX for one in secrets)}
    broken = {name: fault for name, fault in not_utf8(given) if name in known}
    faults = [*files.faults, *broken.values(), *unknown_names(given, names), *contradictions(given)]
    try:
        secret_texts = {known[one]: text for one, text in files.texts.items()}
        settings = Settings(**secret_texts)  # type: ignore[arg-type]  # Pydantic reads them as it reads variables
    except ValidationError as error:
        faults += [
            describe_fault(variable_of(str(fault["loc"][0])), given, fault, Settings.model_fields)
            for fault in error.errors()
            if fault["type"] != "default_factory_not_called"  # follows from another fault
            and variable_of(str(fault["loc"][0])) not in broken
        ]
    if faults:
        raise Misconfigured("\n".join(sorted(faults)))
    return settings


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return read_settings()
