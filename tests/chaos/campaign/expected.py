"""What must have become of all that the source topics hold: counted by hand, record by record."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.campaign.access_lines import number_of, outcome_of_line
from chaos.campaign.load import garbage_of
from chaos.campaign.site import INGESTED
from chaos.flows import Outcome, outcome
from kafka_client import Read

from dataflow.demo.samples import SAMPLE_TOPICS

OutputRecord = tuple[object, ...]
"""Key, value, headers, timestamp."""
Origin = tuple[str, int, int]
"""Topic, partition and offset of a record."""


@dataclass
class Expected:
    """Outputs, dead letters, balances and table rows."""

    outputs: dict[tuple[str, int], list[OutputRecord]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Numbers of access log lines that must be parsed, by partition."""
    letters: dict[Origin, bytes | None] = field(default_factory=dict)
    reasons: dict[Origin, str] = field(default_factory=dict)
    """Of events whose reason is known by hand."""
    balances: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[list[Outcome]] = field(default_factory=list)
    """What tables count of each source partition, in its order."""


def expected_of(sources: Mapping[str, Iterable[Read]]) -> Expected:
    """Return what must have become of these records, by source topic."""
    expected = Expected()
    for stream in SAMPLE_TOPICS:
        _add_stream(expected, stream, sources[stream])
    _add_lines(expected, sources[INGESTED])
    return expected


def _add_stream(expected: Expected, stream: str, records: Iterable[Read]) -> None:
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    rows: dict[int, list[Outcome]] = defaultdict(list)
    for record in records:
        counts["received"] += 1
        reason = garbage_of(stream).get(record.value)
        if reason is not None:
            origin = stream, record.partition, record.offset
            expected.letters[origin], expected.reasons[origin] = record.value, reason
            dead[reason] += 1
            continue
        assert record.value is not None
        result = outcome(stream, record.value)
        rows[record.partition].append(result)
        if result.dropped_by:
            dropped[result.dropped_by] += 1
            continue
        counts["sent"] += 1
        for topic, value in result.outputs.items():
            out = record.key, value, tuple(record.headers), record.timestamp
            expected.outputs[topic, record.partition].append(out)
    expected.rows += rows.values()
    expected.balances[stream] = {**counts, "dropped": {**dropped}, "dead_lettered": {**dead}}


def _add_lines(expected: Expected, records: Iterable[Read]) -> None:
    counts: Counter[str] = Counter()
    rows: dict[int, list[Outcome]] = defaultdict(list)
    for record in records:
        counts["received"] += 1
        number = number_of(record.value or b"")
        if number is None:
            expected.letters[INGESTED, record.partition, record.offset] = record.value
            continue
        counts["sent"] += 1
        expected.lines[record.partition].append(number)
        rows[record.partition].append(outcome_of_line(number))
    expected.rows += rows.values()
    expected.balances[INGESTED] = {**counts}
