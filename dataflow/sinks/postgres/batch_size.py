"""Batch size: how many rows one transaction takes, by what the server manages in its time."""

MOST_ROWS = 1_000_000
GOOD_BATCHES = 20  # so many in a row, before twice as many rows are tried


class BatchSize:
    """Halves with each transaction that was too much for the server, and grows again later."""

    def __init__(self) -> None:
        self.rows = MOST_ROWS
        self._good = 0

    @property
    def is_halved(self) -> bool:
        """Tell whether something was too much for the server, not long ago."""
        return self.rows < MOST_ROWS

    def halve(self, rows: int) -> None:
        """Take half of so many rows from now on, at least one."""
        self.rows = max(1, min(self.rows, rows) // 2)
        self._good = 0

    def passed(self, rows: int) -> None:
        """Note that so many rows were stored in time; smaller batches than allowed say nothing."""
        if self.is_halved and rows == self.rows:
            self._good += 1
            if self._good == GOOD_BATCHES:
                self.rows, self._good = min(MOST_ROWS, self.rows * 2), 0
