"""Settings of a worker: folders, name and role."""

import os
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from dataflow.settings.values import AbsolutePath


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataflow"


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
    data_dir: AbsolutePath = Field(
        default=Path(".dataflow"),
        validate_default=True,
        description="folder of all local data: embedded broker, worker files",
    )
    cache_dir: AbsolutePath = Field(
        default_factory=_default_cache_dir,
        description="folder of what can be fetched again: jars of the broker",
    )

    app_id: str = Field(
        default="dataflow",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$",
        description="consumer group, and prefix of changelogs",
    )
    instance_id: str | None = Field(
        default=None,
        description="static group membership: name of this worker, same after a restart; unset: none",
    )
    role: Role = Field(default=Role.ALL, description="role of this worker")
    partitions: int = Field(default=4, ge=1, le=1000, description="partitions of new topics")
