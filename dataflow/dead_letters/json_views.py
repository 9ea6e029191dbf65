"""JSON views of dead letters, as the command line and HTTP show them."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dataflow.dead_letters.known_names import check_names
from dataflow.dead_letters.letter import Letter, LetterFilter, Place
from dataflow.dead_letters.letter_reader import letter_reader
from dataflow.dead_letters.marks import Marks
from dataflow.stages.event_time import utc_text_of_epoch


class DeadLetterRow(msgspec.Struct, forbid_unknown_fields=True):
    """A record that could not be used, and why."""

    partition: int
    offset: int
    at: Annotated[str | None, Meta(description="When it became a dead letter, UTC")]
    stage: str
    reason: Annotated[str, Meta(description="Short code of a closed set")]
    detail: str
    topic: Annotated[str, Meta(description="Where it came from")]
    tries: Annotated[int, Meta(description="How often it has been sent back before")]
    replayed: bool
    bytes: int


class DeadLetterList(msgspec.Struct, forbid_unknown_fields=True):
    """The newest of those that were asked for."""

    dead_letters: list[DeadLetterRow]
    scanned: Annotated[int, Meta(description="Letters that were looked at")]
    complete: Annotated[bool, Meta(description="false: there may be others")]
    leaderless_partitions: Annotated[
        list[int], Meta(description="Those that cannot be read now: no running broker has them in sync")
    ]


class DeadLetterOrigin(msgspec.Struct, forbid_unknown_fields=True):
    """Where the record was; null for a line that never was in a topic."""

    partition: int | None
    offset: int | None
    timestamp: str | None


class DeadLetterPage(DeadLetterRow):
    """All of one dead letter."""

    origin: DeadLetterOrigin
    headers: list[tuple[str, str | None]]
    key_base64: Annotated[str | None, Meta(description="Exact; null for none")]
    value_base64: Annotated[str | None, Meta(description="Exactly as it came; null for none")]
    value_text: str | None


async def list_of_letters(
    connection: Mapping[str, object], letter_filter: LetterFilter, limit: int
) -> DeadLetterList:
    """Return the newest of some letters; raise `HttpError` for a stage or a topic that does not exist."""
    async with letter_reader(connection) as reader:
        marks = await reader.marks()
        listed = await reader.newest(letter_filter, limit)
        if listed.is_complete and not listed.letters:
            await check_names(letter_filter, reader)
    rows = [DeadLetterRow(**_row(letter, marks)) for letter in listed.letters]
    return DeadLetterList(rows, listed.scanned, listed.is_complete, reader.leaderless)


async def page_of_letter(connection: Mapping[str, object], place: Place) -> DeadLetterPage | None:
    """Return all of one letter; None if there is none."""
    async with letter_reader(connection) as reader:
        letter = await reader.at(place)
        if letter is None:
            return None
        marks = await reader.marks()
    return DeadLetterPage(
        **_row(letter, marks),
        origin=DeadLetterOrigin(letter.origin_partition, letter.origin_offset, _instant(letter.timestamp_ms)),
        headers=[(name, _text(value)) for name, value in letter.headers],
        key_base64=_exact(letter.key),
        value_base64=_exact(letter.value),
        value_text=_text(letter.value),
    )


def _row(letter: Letter, marks: Marks) -> dict[str, Any]:
    noted = ("partition", "offset", "stage", "reason", "detail", "topic", "tries")
    return {
        **{name: getattr(letter, name) for name in noted},
        "at": _instant(letter.at_ms),
        "replayed": marks.has(letter.partition, letter.offset),
        "bytes": letter.size,
    }


def _exact(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="replace")


def _instant(at_ms: int) -> str | None:
    try:
        return utc_text_of_epoch(f"{at_ms // 1000}.{at_ms % 1000:03}")
    except ValueError:  # a clock that was never set
        return None
