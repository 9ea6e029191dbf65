"""Selection: which dead letters a replay sends back, and why the others stay; a preview, which sends none."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.catalogue.declared import DEAD_LETTERS_REPLAYED, STREAMS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.dead_letters.known_names import check_names
from dataflow.dead_letters.letter import SINK_STAGE, Letter, LetterFilter, Place
from dataflow.dead_letters.letter_reader import LetterReader, letter_reader
from dataflow.dead_letters.marks import Marks

MOST_NAMED = 20


class ReplayResult(msgspec.Struct, forbid_unknown_fields=True):
    """What became of the letters that were to be sent back; of a preview, what would."""

    replayed: int = 0
    already_replayed: int = 0
    impossible: Annotated[Counter[str], Meta(description="By why they cannot go back")] = msgspec.field(
        default_factory=Counter
    )
    topics: Annotated[Counter[str], Meta(description="By the topic that they go back to")] = msgspec.field(
        default_factory=Counter
    )
    complete: Annotated[bool, Meta(description="false: the limit was reached, there may be more")] = True
    counted_again: Annotated[
        int, Meta(description="Of these, events that tables have counted already: they count them once more")
    ] = 0
    came_back: Annotated[
        dict[str, int] | None,
        Meta(description="By reason, those that became dead letters again; null: not known (yet)"),
    ] = None


class ReplaySelection:
    """Goes through letters, and counts those that stay in `result`."""

    def __init__(self, reader: LetterReader) -> None:
        self.reader = reader
        self.marks = Marks()
        """What was sent back before; to be set before letters are selected."""
        self.result = ReplayResult()
        self.pending: list[Letter] = []
        """Selected, and not counted as replayed yet."""

    async def letters(self, letter_filter: LetterFilter, limit: int | None) -> AsyncIterator[Letter]:
        """Yield those that can go back, the oldest first, until `limit` are replayed or pending.

        Raises `HttpError` for a stage or a topic that does not exist.
        """
        unseen, is_empty = set(letter_filter.places or ()), True
        async for letter in self.reader.oldest_first(letter_filter):
            is_empty = False
            unseen.discard((letter.partition, letter.offset))
            if self.was_replayed(letter):
                self.result.already_replayed += 1
            elif why := self._obstacle(letter):
                self.result.impossible[why] += 1
            elif limit is not None and self.result.replayed + len(self.pending) >= limit:
                self.result.complete = False
                return
            else:
                yield letter
        if unseen:
            self.result.impossible[_nothing_at(unseen)] += len(unseen)
        elif is_empty:
            await check_names(letter_filter, self.reader)

    def was_replayed(self, letter: Letter) -> bool:
        """Tell whether a letter was sent back before."""
        return self.marks.has(letter.partition, letter.offset)

    def note_replayed(self, letters: Collection[Letter]) -> None:
        """Count letters that are back in their topics."""
        self.result.replayed += len(letters)
        self.result.topics.update(letter.topic for letter in letters)
        self.result.counted_again += sum(map(_is_counted, letters))

    def _obstacle(self, letter: Letter) -> str | None:
        topic = letter.topic
        if not topic:
            return "does not say which topic it came from"
        if topic in (DEAD_LETTERS.name, DEAD_LETTERS_REPLAYED.name):
            return f"came from {topic}"
        if letter.is_left_out:
            return "has not the content of its record, which was too large or could not be read"
        return None if topic in self.reader.partitions else f"topic {topic} does not exist any more"


def _is_counted(letter: Letter) -> bool:
    """Tell whether a stream has used the event: a sink, which reads the source as well, has refused it."""
    return letter.stage.startswith(SINK_STAGE) and letter.topic in {stream.topic for stream in STREAMS}


def _nothing_at(places: Collection[Place]) -> str:
    named = ", ".join(f"{partition}/{offset}" for partition, offset in sorted(places)[:MOST_NAMED])
    more = ", …" if len(places) > MOST_NAMED else ""
    return f"no dead letter is there, or none that meets the other conditions: {named}{more}"


async def preview_replay(
    connection: Mapping[str, object], letter_filter: LetterFilter, limit: int | None = None
) -> ReplayResult:
    """Return what a replay would do now; nothing is sent, marked or audited."""
    async with letter_reader(connection) as reader:
        selection = ReplaySelection(reader)
        selection.marks = await reader.marks()
        async for letter in selection.letters(letter_filter, limit):
            selection.note_replayed([letter])
    return selection.result
