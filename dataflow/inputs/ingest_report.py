"""Ingest report: what became of the inputs and lines of a run."""

from dataclasses import asdict, dataclass, field

from dataflow.inputs.chunk_writer import PackedChunk


@dataclass(slots=True)
class IngestReport:
    """What a run has stored so far; lines = accepted + dead_lettered."""

    stream: str
    inputs: int = 0
    """How many inputs were listed."""
    inputs_read: int = 0
    """How many inputs had new lines."""
    already_in: int = 0
    lines: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    unfinished: list[str] = field(default_factory=list)
    """Inputs whose last line is incomplete: it is left for the next run."""
    failed: list[str] = field(default_factory=list)
    """Why an input was not read to its end; a text for each."""
    is_interrupted: bool = False
    seconds: float = 0.0
    stored_bytes: int = 0
    all_bytes: int = 0

    @property
    def is_complete(self) -> bool:
        """Tell whether every input was read."""
        return not self.failed and not self.is_interrupted

    def add(self, packed: PackedChunk) -> None:
        """Count a chunk that was stored."""
        chunk = packed.chunk
        good, dead = (sum(batch.record_count() for batch in some) for some in (packed.good, packed.dead))
        assert chunk.lines == good + dead, (chunk.lines, good, dead)
        self.lines += chunk.lines
        self.accepted += good
        self.dead_lettered += dead
        self.inputs_read += chunk.inputs_read
        self.already_in += chunk.already_in
        self.unfinished += chunk.unfinished
        self.failed += chunk.failed
        self.stored_bytes += chunk.stored_bytes

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return asdict(self) | {"lines_per_second": round(self.lines / max(self.seconds, 0.001))}
