"""Settings of a worker: folders, name and role, its web server and its log."""

import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from dataflow.engine.address import in_url
from dataflow.settings.values import AbsolutePath, Names, setting


class Role(StrEnum):
    """Role of a worker."""

    ALL = "all"
    ENRICH = "enrich"
    INGEST = "ingest"
    SINK_POSTGRES = "sink-postgres"
    SINK_CSV = "sink-csv"
    SINK_S3 = "sink-s3"
    SINK_OPENSEARCH = "sink-opensearch"


class WorkerSettings(BaseModel):
    """Folders, name and role."""

    # In the current folder: two clones never share a broker, and deleting it resets everything.
    data_dir: AbsolutePath = setting(
        Path(".dataflow"), "folder of all local data: embedded broker, worker files", validate_default=True
    )
    cache_dir: AbsolutePath = Field(
        default_factory=lambda: Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataflow",
        description="folder of what can be fetched again: jars of the broker",
    )

    app_id: str = setting(
        "dataflow", "consumer group, and prefix of changelogs", pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$"
    )
    streams: Names = setting(
        (), "streams that this worker takes, separated by commas, in a group of their own; unset: all"
    )
    instance_id: str | None = setting(
        None, "static group membership: name of this worker, same after a restart; unset: none"
    )
    role: Role = setting(Role.ALL, "role of this worker")
    partitions: int = setting(4, "partitions of new topics", ge=1, le=1000)


def _reachable_host(validated: dict[str, object]) -> str:
    bound = str(validated["web_host"])
    return socket.gethostname() if bound in ("0.0.0.0", "::") else bound  # noqa: S104  # compared, not bound


class WebSettings(BaseModel):
    """Addresses of the web server."""

    web_host: str = setting("127.0.0.1", "address the web server listens on; 0.0.0.0, or ::, for all")
    web_port: int = setting(6066, "port of the web server", ge=1, le=65535)
    advertised_host: Annotated[str, AfterValidator(in_url)] = Field(
        default_factory=_reachable_host,
        description="host name at which other workers reach this one",
        validate_default=True,
    )
    query_deadline_ms: int = setting(2_000, "longest wait for other workers", ge=10, le=60_000)
    analytics_deadline_ms: int = setting(
        10_000, "longest wait for PostgreSQL; then its query is cancelled", ge=10, le=600_000
    )


class LogLevel(StrEnum):
    """The least severe log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look; `auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogSettings(BaseModel):
    """How log lines look."""

    log_level: Annotated[LogLevel, BeforeValidator(str.lower)] = setting(
        LogLevel.INFO, "least severe log line written"
    )
    log_format: LogFormat = setting(LogFormat.AUTO, "how log lines look")
