"""How many records a batch may have, by what they cost: none holds the main loop for long."""

HOLD_SECONDS = 0.005
FEWEST_RECORDS = 400
"""Below, what every batch costs, however small, would be most of it."""
WEIGHT = 0.2


class BatchSizes:
    """The cost of a record of each topic, learned from the batches that agents finish."""

    def __init__(self, most_records: int) -> None:
        self._most = most_records
        self._fewest = min(FEWEST_RECORDS, most_records)
        self._costs: dict[str, float] = {}

    def note(self, topic: str, records: int, seconds: float) -> None:
        """Note what a batch has cost; small ones tell little about a record."""
        if records >= self._fewest:
            cost = seconds / records
            self._costs[topic] = cost + (self._costs.get(topic, cost) - cost) * (1 - WEIGHT)

    def records(self, topic: str) -> int:
        """Return how many records the next batch of this topic may have."""
        cost = self._costs.get(topic, 0.0)
        affordable = int(HOLD_SECONDS / cost) if cost else self._most
        return max(min(affordable, self._most), self._fewest)
