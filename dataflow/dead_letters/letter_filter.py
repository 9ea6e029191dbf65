"""Letter filter: selects dead letters; pure."""

from dataclasses import dataclass

from dataflow.dead_letters.letter import Letter

Place = tuple[int, int]
"""Partition and offset of a dead letter."""


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Conditions on dead letters; None matches all."""

    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    """The topic it came from."""
    from_ms: int | None = None
    """Letters from this instant on, ms since 1970 UTC."""
    to_ms: int | None = None
    """Letters before this instant."""
    places: frozenset[Place] | None = None

    def matches(self, letter: Letter) -> bool:
        """Tell whether a letter meets all conditions."""
        named = ((self.stage, letter.stage), (self.reason, letter.reason), (self.topic, letter.topic))
        return (
            all(wanted is None or wanted == actual for wanted, actual in named)
            and (self.from_ms is None or letter.at_ms >= self.from_ms)
            and (self.to_ms is None or letter.at_ms < self.to_ms)
            and (self.places is None or (letter.partition, letter.offset) in self.places)
        )
