"""Rows: the events of a batch as an agent gives them to a table, column by column."""

from collections.abc import Sequence
from typing import Final, Protocol

UNDATED: Final = -1
"""Event time of a row whose time cannot be read or is before 1971."""

FUTURE: Final = -2
"""Event time of a row whose time is too far ahead to be believed."""


class Rows(Protocol):
    """The events of one batch, in log order."""

    @property
    def times(self) -> Sequence[int]:
        """Event time of each row in ms since 1970 UTC; negative: no window may take the row."""

    @property
    def advances(self) -> Sequence[int]:
        """The instant in ms that each row moves event time to: its own, or an earlier one."""

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row; None where the event has none."""

    def __len__(self) -> int:
        """Return the number of rows."""
