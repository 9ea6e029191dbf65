"""Settings of a worker: where it keeps things, its name, and its part of the work."""

import os
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from dataflow.settings.values import AbsolutePath


def _default_cache_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataflow"


class Role(StrEnum):
    """Which part of the work this worker takes."""

    ALL = "all"
    ENRICH = "enrich"
    INGEST = "ingest"
    SINK_POSTGRES = "sink-postgres"
    SINK_CSV = "sink-csv"
    SINK_S3 = "sink-s3"
    SINK_OPENSEARCH = "sink-opensearch"


class WorkerSettings(BaseModel):
    """What this worker is."""

    # Beside the work, as with git: two clones never share a broker, and deleting it forgets all.
    data_dir: AbsolutePath = Field(
        default=Path(".dataflow"),
        validate_default=True,
        description="all that is kept: embedded broker, worker files",
    )
    cache_dir: AbsolutePath = Field(
        default_factory=_default_cache_dir,
        description="what can be fetched again: the broker's jars",
    )

    app_id: str = Field(
        default="dataflow",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$",
        description="name of the consumer group; the changelogs begin with it",
    )
    instance_id: str | None = Field(
        default=None,
        description="static membership: this worker's name, kept over restarts; unset: none",
    )
    role: Role = Field(default=Role.ALL, description="which part of the work this worker takes")
    partitions: int = Field(default=4, ge=1, le=1000, description="partitions of a topic that has to be made")
