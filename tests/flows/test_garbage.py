"""Garbage in every topic: each event ends in exactly one place, and the worker goes on."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from chaos.answers import ask_balances, ask_whole
from chaos.checks import STAMPS
from chaos.cluster import DEAD_LETTERS, Cluster, running_cluster
from chaos.feed import FIRST_MS
from chaos.garbage import CASES, OUTPUT_OF
from harness.pages import every_page
from kafka_client import Read

STAGE_OF = {"cdn-logs": "filter", "expedia": "stay-category", "raw-web-events": "source-category"}
HEADERS = [("trace", b"\xff\x00"), ("trace", b"")]
EVERY = [
    pytest.param(s, n, id=f"{s}: {case.what}") for s, cases in CASES.items() for n, case in enumerate(cases)
]


@dataclass(frozen=True)
class Spoilt:
    """What has become of the garbage, read while the worker was still alive."""

    ended: dict[tuple[str, int], list[tuple[str, Read]]]
    """Topics and records where an event of a stream, by its offset, is found."""
    event_counts_by_stream: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, Any]]
    exit_code: int


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoilt]:
    """Put every case into partition 1 of its topic, and let a worker run over them."""
    with running_cluster(tmp_path_factory.mktemp("garbage")) as cluster:
        worker = cluster.start_worker()
        _produce(cluster)
        cluster.wait_committed({(stream, 1): len(cases) for stream, cases in CASES.items()})
        tables = {
            name: {size: every_page(partial(ask_whole, worker), name, size) for size in sizes}
            for name, sizes in (
                ("stays_per_category", ("day", "all")),
                ("views_per_page", ("minute", "all")),
                ("requests_per_status", ("minute", "all")),
            )
        }
        event_counts_by_stream = ask_balances(worker)
        exit_code = worker.stop()
        yield Spoilt(_ended(cluster), event_counts_by_stream, tables, exit_code)


def _produce(cluster: Cluster) -> None:
    for stream, cases in CASES.items():
        cluster.kafka.produce(
            stream,
            [case.raw for case in cases],
            keys=[b"%d" % n for n in range(len(cases))],
            headers=HEADERS,
            partition=1,
            timestamps=[FIRST_MS] * len(cases),
        )


def _ended(cluster: Cluster) -> dict[tuple[str, int], list[tuple[str, Read]]]:
    ended = defaultdict(list)
    for stream, topic in OUTPUT_OF.items():
        for read in cluster.kafka.read_topic(topic):
            ended[stream, int(read.key)].append((topic, read))
    for read in cluster.kafka.read_topic(DEAD_LETTERS):
        ended[dict(read.headers)["dataflow-topic"].decode(), int(read.key)].append((DEAD_LETTERS, read))
    return ended


@pytest.mark.parametrize(("stream", "number"), EVERY)
def test_an_odd_event_ends_in_one_place_with_all_that_it_came_with(spoilt, stream, number):
    """Sent byte for byte with what its stage adds, dead-lettered as raw bytes, or dropped by a rule."""
    case, ended = CASES[stream][number], spoilt.ended[stream, number]
    if case.ends == "sent":
        [(topic, read)] = ended
        assert (topic, read.value) == (OUTPUT_OF[stream], case.out)
        headers = [*HEADERS, *STAMPS.get(topic, ())]
        assert (read.partition, list(read.headers), read.timestamp) == (1, headers, FIRST_MS)
    elif case.ends in ("bots", "rule-3:statusCode"):
        assert ended == []
    else:
        [(topic, read)] = ended
        assert (topic, read.value) == (DEAD_LETTERS, case.raw)
        _check_headers(read, stream, number, case.ends)


def _check_headers(read: Read, stream: str, offset: int, reason: str) -> None:
    told = {name: value.decode() for name, value in read.headers[: -len(HEADERS)]}
    assert told.pop("dataflow-detail")
    assert told == {
        "dataflow-stage": STAGE_OF[stream],
        "dataflow-reason": reason,
        "dataflow-topic": stream,
        "dataflow-partition": "1",
        "dataflow-offset": str(offset),
        "dataflow-timestamp": str(FIRST_MS),
    }
    assert list(read.headers[-len(HEADERS) :]) == HEADERS


@pytest.mark.parametrize("stream", CASES)
def test_the_balance_is_exact(spoilt, stream):
    """What came in is what was sent, dropped by a rule or dead-lettered for a reason."""
    ends = Counter(case.ends for case in CASES[stream])
    sent = ends.pop("sent")
    dropped = {rule: ends.pop(rule) for rule in ("bots", "rule-3:statusCode") if rule in ends}

    assert spoilt.event_counts_by_stream[stream] == {
        "received": len(CASES[stream]),
        "sent": sent,
        "dropped": dropped,
        "dead_lettered": dict(ends),
    }


@pytest.mark.parametrize(
    ("table", "size", "apart"),
    [("stays_per_category", "day", 2), ("views_per_page", "minute", 1), ("requests_per_status", "minute", 2)],
)
def test_an_event_of_the_far_future_closes_nothing(spoilt, table, size, apart):
    """One wrong clock would otherwise close every window, and all that follows would be late."""
    answer = spoilt.tables[table][size]
    counted = sum(entry["count"] for window in answer["windows"] for entry in window["entries"])
    stream = {"stays": "expedia", "views": "raw-web-events", "requests": "cdn-logs"}[table.split("_")[0]]
    sent = sum(case.ends == "sent" for case in CASES[stream])

    assert answer["apart"]["future"] == 1
    assert answer["apart"]["late"] == 0
    assert answer["apart"]["undated"] >= apart
    assert counted == sent - 1 - answer["apart"]["undated"]
    assert not any(window["closed"] for window in answer["windows"])


def test_events_without_a_time_are_counted_for_all_time(spoilt):
    """A count that leaves out what it cannot date would not be the balance."""
    for table, stream in (("stays_per_category", "expedia"), ("requests_per_status", "cdn-logs")):
        [window] = spoilt.tables[table]["all"]["windows"]

        assert sum(e["count"] for e in window["entries"]) == spoilt.event_counts_by_stream[stream]["sent"]


def test_the_worker_lives_through_all_of_it(spoilt):
    """Garbage is the sender's fault: nobody should be woken up for it."""
    assert spoilt.exit_code == 0
