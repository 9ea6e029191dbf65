"""Labels of metrics: bounds how many labels names get that people choose."""

from collections import Counter
from collections.abc import Mapping

MOST = 100
LONGEST = 80
OTHERS = "(other)"
"""Names that came when there were so many others: Prometheus keeps every label it has ever seen."""


def bounded(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return the counts; only the names that came first have labels of their own, and short ones."""
    labelled: Counter[str] = Counter()
    for place, (name, count) in enumerate(counts.items()):
        labelled[name[:LONGEST] if place < MOST else OTHERS] += count
    return labelled
