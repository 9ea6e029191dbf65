"""Checks: what was fed and what came out in; the first difference out, as a failed assertion."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chaos.cluster import OUTPUTS, Cluster
from chaos.counts import Entries, Windows, tables_of, windows_of
from chaos.feed import FIRST_MS, Feed, headers_of
from kafka_client import Read

from dataflow.demo.samples import SAMPLE_TOPICS

STAMPS = {"cdn-logs-filtered": [("dataflow-rules", b"1")]}
"""Headers that are added: the version of the filter rules."""

Records = dict[str, list[Read]]
"""What was read of each topic, partition by partition in order."""


def read_outputs(cluster: Cluster) -> Records:
    """Return what a read_committed reader sees of every output topic."""
    return {topic: cluster.kafka.read_topic(topic, 60) for topic in OUTPUTS}


def check_outputs(outputs: Records, feed: Feed) -> None:
    """Assert that every event is out once, in order, in its partition, with all that it came with."""
    wanted: dict[tuple[str, int], list[tuple[object, ...]]] = defaultdict(list)
    for place in feed.sent:
        for number, outcome in enumerate(feed.outcomes(place)):
            for topic, value in outcome.outputs.items():
                headers = *headers_of(number), *STAMPS.get(topic, ())
                record = b"%d" % number, value, headers, FIRST_MS + number
                wanted[topic, place[1]].append(record)
    found: dict[tuple[str, int], list[tuple[object, ...]]] = defaultdict(list)
    for topic, records in outputs.items():
        for r in records:
            found[topic, r.partition].append((r.key, r.value, tuple(r.headers), r.timestamp))
    for place in sorted(wanted.keys() | found.keys()):
        check_alike(f"{place[0]}/{place[1]}", found[place], wanted[place])


def check_balances(event_counts_by_stream: Mapping[str, Any], feed: Feed) -> None:
    """Assert that every event is counted in exactly one place."""
    wanted = {}
    for stream in SAMPLE_TOPICS:
        outcomes = [o for outcomes in feed.outcomes_of(stream) for o in outcomes]
        dropped = Counter(o.dropped_by for o in outcomes if o.dropped_by)
        sent = len(outcomes) - dropped.total()
        wanted[stream] = {
            "received": len(outcomes),
            "sent": sent,
            "dropped": dict(dropped),
            "dead_lettered": {},
        }
    assert {stream: event_counts_by_stream[stream] for stream in SAMPLE_TOPICS} == wanted


def expected_tables(feed: Feed) -> dict[str, Windows]:
    """Return every table of what was fed, counted by hand."""
    return {name: windows for stream in SAMPLE_TOPICS for name, windows in _counted(feed, stream)[0].items()}


def expected_late(feed: Feed) -> dict[str, dict[str, int]]:
    """Return how many events were late by table and window size, counted by hand."""
    return {name: late for stream in SAMPLE_TOPICS for name, late in _counted(feed, stream)[1].items()}


def check_changelogs(kept: Mapping[str, Any], feed: Feed) -> None:
    """Assert that balances and tables are exact in the changelogs."""
    check_balances(kept["streams"], feed)
    found = {name: windows_of(table["windows"]) for name, table in kept["tables"].items()}
    check_tables(found, expected_tables(feed))
    late = expected_late(feed)
    assert {
        name: {w: n for w, n in table["late"].items() if n} for name, table in kept["tables"].items()
    } == {name: dict(late.get(name, {})) for name in kept["tables"]}


def check_tables(found: Mapping[str, Windows], wanted: Mapping[str, Windows]) -> None:
    """Assert that every entry of every window is as counted by hand; quantiles are not counted by hand."""
    assert found.keys() >= wanted.keys()
    for name, windows in wanted.items():
        assert found[name].keys() == windows.keys(), name
        for size, starts in windows.items():
            assert found[name][size].keys() == starts.keys(), f"{size} windows of {name}"
            for start, entries in starts.items():
                _check_window(f"{size} {start} of {name}", found[name][size][start], entries)


def _check_window(where: str, found: Entries, wanted: Entries) -> None:
    assert found.keys() == wanted.keys(), where
    wrong = {
        key: (found[key], entry) for key, entry in wanted.items() if not entry.items() <= found[key].items()
    }
    assert not wrong, f"{where}, found and wanted: {list(wrong.items())[:3]}"


def _counted(feed: Feed, stream: str) -> tuple[dict[str, Windows], dict[str, dict[str, int]]]:
    return tables_of(feed.outcomes_of(stream))


def check_alike(
    where: str, found: Sequence[tuple[object, ...]], wanted: Sequence[tuple[object, ...]]
) -> None:
    """Assert that records are the same in the same order; say first which are missing, by their keys."""
    if found == wanted:
        return
    seen, due = Counter(r[0] for r in found), Counter(r[0] for r in wanted)
    lost, extra = due - seen, seen - due
    assert not lost, f"{where} lacks {lost.total()} of {len(wanted)}, first {_first(lost)}"
    assert not extra, f"{where} has {extra.total()} too many, first {_first(extra)}"
    for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert one == other, f"{where}, record {i}"


def _first(numbers: Iterable[object]) -> list[object]:
    return sorted(numbers, key=str)[:5]
