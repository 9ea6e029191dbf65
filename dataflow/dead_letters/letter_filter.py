"""Selection: what is asked for in, whether a letter is meant out; pure."""

from dataclasses import dataclass

from dataflow.dead_letters.letter import Letter

Place = tuple[int, int]
"""Partition and offset of a dead letter."""


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Some of the dead letters; what is None does not matter."""

    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    """The topic it came from."""
    from_ms: int | None = None
    """First instant of becoming a dead letter, ms since 1970 UTC."""
    to_ms: int | None = None
    """The instant after the last."""
    places: frozenset[Place] | None = None

    def matches(self, letter: Letter) -> bool:
        """Tell whether it is one of them."""
        named = ((self.stage, letter.stage), (self.reason, letter.reason), (self.topic, letter.topic))
        return (
            all(wanted is None or wanted == actual for wanted, actual in named)
            and (self.from_ms is None or letter.at_ms >= self.from_ms)
            and (self.to_ms is None or letter.at_ms < self.to_ms)
            and (self.places is None or (letter.partition, letter.offset) in self.places)
        )
