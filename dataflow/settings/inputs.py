"""Settings of what comes in: files and objects that are read on a schedule, and the HTTP ingest."""

import time
from typing import Annotated

from croniter import croniter
from croniter.croniter import CroniterError
from pydantic import AfterValidator, BaseModel

from dataflow.errors import one_of
from dataflow.settings.values import Names, setting


def _streams_with_places(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        return given  # as in most commands, which need not load what the catalogue loads: Faust, stages
    from dataflow.catalogue.declared import INGESTED

    for text in given:
        stream, _, place = text.partition("=")
        if stream not in INGESTED or not place:
            raise ValueError(f"STREAM=PLACE[,...] with {one_of(INGESTED)} as STREAM")
    return given


def _cron(text: str) -> str:
    try:
        croniter(text, time.time()).get_next(float)  # there is no 31st of February
    except CroniterError as error:
        raise ValueError("five fields as cron has them, such as '0 * * * *' for hourly (UTC)") from error
    return text


class InputSettings(BaseModel):
    """Scheduled inputs (set both or none)."""

    ingest_schedule: Annotated[str, AfterValidator(_cron)] | None = setting(
        None, "when to read inputs, a cron expression in UTC; unset: never"
    )
    ingest_inputs: Annotated[Names, AfterValidator(_streams_with_places)] = setting(
        (), "STREAM=PLACE[,...]: files, folders, patterns or s3://bucket/prefix to read"
    )


class ReceivingSettings(BaseModel):
    """HTTP ingest: limits."""

    ingest_body_bytes: int = setting(32 * 2**20, "largest body as received", ge=1024, le=2**30)
    ingest_inflated_bytes: int = setting(256 * 2**20, "largest body after unpacking", ge=1024, le=2**34)
    ingest_in_flight_bytes: int = setting(
        64 * 2**20,
        "largest number of bytes of unanswered bodies; above it senders get 429 and retry",
        ge=2048,
        le=2**36,
    )
    ingest_body_seconds: float = setting(60.0, "longest time for a body to arrive", gt=0, le=3_600)
    ingest_deadline_seconds: float = setting(
        10.0, "longest wait for Kafka; then senders get 503 and retry", gt=0, le=600
    )
    ingest_max_unusable_ratio: float = setting(
        0.5,
        "ratio of unusable lines above which a body gets 400; 1: all become dead letters",
        gt=0,
        le=1,
    )
    ingest_structured_fields: Names = setting(
        (), "fields of STRUCTURED CDN lines in their order, separated by commas"
    )
