"""Known names: refuses a stage or a topic that does not exist, where no dead letter has it either."""

from http import HTTPStatus
from typing import Final

from dataflow.dead_letters.letter import SINK_STAGE, LetterFilter
from dataflow.dead_letters.letter_reader import LetterReader
from dataflow.errors import expected_one_of, missing_topic
from dataflow.http_error import HttpError, bad_value
from dataflow.settings import Role
from dataflow.stages.analytics_event import ANALYTICS_EVENT
from dataflow.stages.lines import LINE_STAGES

STAGES: Final = sorted(
    {*LINE_STAGES, ANALYTICS_EVENT.name, "ingest", "output"}
    | {role for role in Role if role.startswith(SINK_STAGE)}
)
"""Where an event of a declared stream can become a dead letter. Other programs have stages of their own."""


async def check_names(letter_filter: LetterFilter, reader: LetterReader) -> None:
    """Raise `HttpError` (400) for a stage or a topic that is not known, and that no letter has."""
    stage, topic = letter_filter.stage, letter_filter.topic
    if stage is not None and stage not in STAGES and await _has_none(reader, LetterFilter(stage=stage)):
        raise bad_value("stage", stage, expected_one_of(STAGES, stage).removeprefix("expected "))
    topics = reader.partitions
    if topic is not None and topic not in topics and await _has_none(reader, LetterFilter(topic=topic)):
        raise HttpError(HTTPStatus.BAD_REQUEST, str(missing_topic(topic, topics)))


async def _has_none(reader: LetterReader, letter_filter: LetterFilter) -> bool:
    listed = await reader.newest(letter_filter, 1)
    return listed.is_complete and not listed.letters
