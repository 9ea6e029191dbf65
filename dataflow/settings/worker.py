"""Settings of a worker: folders, name and role, and its log."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from dataflow.settings.values import AbsolutePath, StreamNames, setting


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
    """Worker: folders, name and role."""

    # In the current folder: two clones never share a broker, and deleting it resets everything.
    data_dir: AbsolutePath = setting(
        Path(".dataflow"),
        "folder of all local data: embedded broker, files of workers",
        validate_default=True,
    )
    cache_dir: AbsolutePath = Field(
        default_factory=lambda: Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataflow",
        description="folder of files that can be downloaded again: jars of the broker",
    )

    app_id: str = setting(
        "dataflow", "consumer group, and prefix of changelogs", pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$"
    )
    streams: StreamNames = setting(
        (),
        "streams that this worker reads, separated by commas, in a consumer group of their own; unset: all",
    )
    instance_id: str | None = setting(
        None, "name of this worker for static group membership, the same after a restart; unset: none"
    )
    role: Role = setting(Role.ALL, "role of this worker")
    partitions: int = setting(4, "partitions of new topics", ge=1, le=1000)


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
    """Logs."""

    log_level: Annotated[LogLevel, BeforeValidator(str.lower)] = setting(
        LogLevel.INFO, "lowest level of log lines that are written"
    )
    log_format: LogFormat = setting(
        LogFormat.AUTO, "format of log lines; auto: console on a terminal, json elsewhere"
    )
