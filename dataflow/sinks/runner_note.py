"""Notes beside committed offsets: how a sink fares in, a short text that Kafka keeps for everyone out.

So the state of every sink of the cluster is where its offsets are: no worker has to be asked.
"""

import msgspec

ERROR_CHARACTERS = 500  # a broker keeps 4,096 bytes of metadata


class SinkNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a partition's writer last met with. Times are ms since 1970 UTC; None: never, or not now."""

    error: str | None = None
    """The last error, also one that is over."""
    error_at_ms: int | None = None
    retrying_since_ms: int | None = None
    """When the outage began that is going on."""
    consumed: int | None = msgspec.field(default=None, name="taken")  # as earlier versions wrote it
    """The sink has all records below this offset; what it has not yet stored it will, with later ones."""

    def failed(self, error: object, now_ms: int) -> "SinkNote":
        """Return the note after one more failed try."""
        return SinkNote(
            str(error)[:ERROR_CHARACTERS], now_ms, self.retrying_since_ms or now_ms, self.consumed
        )

    def succeeded(self, consumed: int | None = None) -> "SinkNote":
        """Return the note after a batch that went through."""
        return SinkNote(self.error, self.error_at_ms, consumed=consumed)

    def as_metadata(self) -> str:
        """Return what stands beside the offset."""
        return "" if self == SinkNote() else msgspec.json.encode(self).decode()


def note_of(metadata: str | None) -> SinkNote:
    """Return the note beside an offset; an empty one where somebody else has committed."""
    try:
        return msgspec.json.decode(metadata or "{}", type=SinkNote)
    except msgspec.MsgspecError:
        return SinkNote()
