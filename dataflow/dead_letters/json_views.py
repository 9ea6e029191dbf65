"""Shown: which letters in, the JSON that commands and the web answer with out."""

import base64
from collections.abc import Mapping

from dataflow.dead_letters.letter import Letter
from dataflow.dead_letters.letter_filter import LetterFilter, Place
from dataflow.dead_letters.letter_reader import letter_reader
from dataflow.dead_letters.marks import Marks
from dataflow.stages.utc import utc_text_of_epoch


async def list_of_letters(
    connection: Mapping[str, object], letter_filter: LetterFilter, limit: int
) -> dict[str, object]:
    """Return the newest of some letters."""
    async with letter_reader(connection) as reader:
        marks = await reader.marks()
        listed = await reader.newest(letter_filter, limit)
    rows = [as_row(letter, marks) for letter in listed.letters]
    return {"dead_letters": rows, "scanned": listed.scanned, "complete": listed.is_complete}


async def page_of_letter(connection: Mapping[str, object], place: Place) -> dict[str, object] | None:
    """Return all of one letter; None if there is none."""
    async with letter_reader(connection) as reader:
        letter = await reader.at(place)
        return None if letter is None else as_page(letter, await reader.marks())


def as_row(letter: Letter, marks: Marks) -> dict[str, object]:
    """Return what a list says of a letter."""
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "at": _instant(letter.at_ms),
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": letter.topic,
        "tries": letter.tries,
        "replayed": marks.has(letter.partition, letter.offset),
        "bytes": len(letter.value or b""),
    }


def as_page(letter: Letter, marks: Marks) -> dict[str, object]:
    """Return all of a letter; `value_base64` and `key_base64` are exact, null for none."""
    return as_row(letter, marks) | {
        "origin": {
            "partition": letter.origin_partition,
            "offset": letter.origin_offset,
            "timestamp": _instant(letter.timestamp_ms),
        },
        "headers": [[name, _text(value)] for name, value in letter.headers],
        "key_base64": _exact(letter.key),
        "value_base64": _exact(letter.value),
        "value_text": _text(letter.value),
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
