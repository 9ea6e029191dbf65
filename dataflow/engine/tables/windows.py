"""Windows: spans of event time of one size."""

import re
from dataclasses import dataclass, replace
from typing import Final

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Window:
    """Tumbling windows of one size, aligned to 1970-01-01T00:00:00Z.

    `size_ms` 0 is all time: one window that starts at 0 and never closes.
    `retention_ms` is how long a closed window is kept, in event time; None keeps it for ever.
    """

    name: str
    size_ms: int
    retention_ms: int | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"window name is {self.name!r}; expected {_NAME.pattern}")
        if self.size_ms < 0:
            raise ValueError(f"window size is {self.size_ms} ms; expected at least 1, or 0 for all")
        if self.retention_ms is not None and self.retention_ms < 0:
            raise ValueError(f"retention is {self.retention_ms} ms; expected at least 0, or None")

    def start_of(self, time_ms: int) -> int:
        """Return the start of the window that holds this instant."""
        return time_ms - time_ms % self.size_ms if self.size_ms else 0

    def starts_between(self, from_ms: int | None, to_ms: int | None) -> tuple[int, int | None]:
        """Return the first start of the windows that overlap [from, to), and where these starts end."""
        size = self.size_ms
        first = 0 if from_ms is None or not size else -(-(from_ms - size + 1) // size) * size
        return first, None if to_ms is None or not size else -(-to_ms // size) * size

    def kept_for(self, retention_ms: int) -> "Window":
        """Return these windows, dropped so long after they are closed."""
        return replace(self, retention_ms=retention_ms)


MINUTE: Final = Window("minute", 60_000)
HOUR: Final = Window("hour", 3_600_000)
DAY: Final = Window("day", 86_400_000)
ALL: Final = Window("all", 0)
