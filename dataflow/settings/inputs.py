"""Settings of inputs: files and objects that are read on a schedule."""

import time
from typing import Annotated

from croniter import croniter
from croniter.croniter import CroniterError
from pydantic import AfterValidator, BaseModel

from dataflow.settings.values import Names, setting


def _streams_with_places(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        return given  # as in most commands, which need not load what the catalogue loads: Faust, stages
    from dataflow.catalogue.declared import INGESTED

    for text in given:
        stream, _, place = text.partition("=")
        if stream not in INGESTED or not place:
            *others, last = INGESTED
            raise ValueError(f"STREAM=PLACE[,...] with {', '.join(others)} or {last} as STREAM")
    return given


def _cron(text: str) -> str:
    try:
        croniter(text, time.time()).get_next(float)  # there is no 31st of February
    except CroniterError as error:
        raise ValueError("five fields as cron has them, such as '0 * * * *' for hourly (UTC)") from error
    return text


class InputSettings(BaseModel):
    """Inputs that are read on a schedule; set both or none."""

    ingest_schedule: Annotated[str, AfterValidator(_cron)] | None = setting(
        None, "when inputs are read, a cron expression in UTC; unset: never"
    )
    ingest_inputs: Annotated[Names, AfterValidator(_streams_with_places)] = setting(
        (), "STREAM=PLACE[,...]: files, folders, patterns or s3://bucket/prefix to read"
    )
