"""Event counts of a stream: how many came in, and in which one place each of them ended."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(slots=True)
class EventCounts:
    """Counts of events, all time; `received` = `sent` + all of `dropped` + all of `dead_lettered`."""

    received: int = 0
    sent: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """By rule."""
    dead_lettered: Counter[str] = field(default_factory=Counter)
    """By reason."""

    def add(self, other: "EventCounts") -> None:
        """Count the events of another batch or partition, too."""
        self.received += other.received
        self.sent += other.sent
        self.dropped.update(other.dropped)
        self.dead_lettered.update(other.dead_lettered)

    @property
    def is_balanced(self) -> bool:
        """Tell whether every event that came in has ended in one place."""
        ended = self.sent + self.dropped.total() + self.dead_lettered.total()
        return self.received == ended

    def as_mapping(self) -> dict[str, object]:
        """Return plain JSON values."""
        plain: dict[str, object] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_mapping(cls, plain: Mapping[str, object]) -> "EventCounts":
        """Undo `as_mapping`."""
        by_code = dict[str, int]
        return cls(
            msgspec.convert(plain["received"], int),
            msgspec.convert(plain["sent"], int),
            Counter(msgspec.convert(plain["dropped"], by_code)),
            Counter(msgspec.convert(plain["dead_lettered"], by_code)),
        )
