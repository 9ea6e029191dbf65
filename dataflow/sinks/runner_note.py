"""Notes: the state of a sink, kept by Kafka as metadata of its committed offsets, for anybody to read."""

from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from dataflow.errors import UNREADABLE

ERROR_CHARACTERS = 500  # a broker keeps 4,096 bytes of metadata

AtMs = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]  # up to the year 9999: it is shown to people


class SinkNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """State of the sink for one partition. Times are ms since 1970 UTC; None: never, or not now."""

    error: str | None = None
    """The last error, also after the sink has recovered."""
    error_at_ms: AtMs | None = None
    retrying_since_ms: AtMs | None = None
    """When the present outage began."""
    consumed: int | None = msgspec.field(default=None, name="taken")  # as earlier versions wrote it
    """The sink has consumed all records below this offset; it will store buffered ones later."""
    topic_id: str | None = None
    """Of the topic whose offset this is: one that is created again has another id."""
    leader_epoch: int | None = None
    """Of the last record that the sink has consumed."""
    lost_after: int | None = None
    """The log has lost records that were stored, the last of this leader epoch; others have their offsets."""

    def failed(self, error: object, now_ms: int) -> "SinkNote":
        """Return the note after a failed attempt."""
        since_ms = self.retrying_since_ms or now_ms
        return replace(
            self, error=str(error)[:ERROR_CHARACTERS], error_at_ms=now_ms, retrying_since_ms=since_ms
        )

    def succeeded(self, consumed: int | None = None, leader_epoch: int | None = None) -> "SinkNote":
        """Return the note after a batch that was stored."""
        return replace(self, retrying_since_ms=None, consumed=consumed, leader_epoch=leader_epoch)

    def as_metadata(self) -> str:
        """Return the note as metadata of an offset."""
        return "" if self == SinkNote() else msgspec.json.encode(self).decode()


def note_of(metadata: str | None) -> SinkNote:
    """Return the note in the metadata of an offset; an empty one if it is not ours."""
    try:
        return msgspec.json.decode(metadata or "{}", type=SinkNote)
    except UNREADABLE:
        return SinkNote()
