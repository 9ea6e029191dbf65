"""The verdict: a site at rest in; the first thing that is lost, doubled or miscounted out, as a failure."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import orjson
from chaos.answers import ask_balances, ask_tables
from chaos.campaign.access_lines import line, number_of_output
from chaos.campaign.expected import Expected, expected_of
from chaos.campaign.load import event_of
from chaos.campaign.site import INGESTED, SINK_TOPICS, Site
from chaos.checks import check_alike, check_tables
from chaos.cluster import DEAD_LETTERS, OUTPUTS
from chaos.counts import tables_of
from chaos.waiting import wait_until
from confluent_kafka import KafkaException
from kafka_client import Read

from dataflow.demo.samples import SAMPLE_TOPICS

REST_SECONDS = 180
POLL_SECONDS = 0.3
READ_SECONDS = 120
STORED_SECONDS = 120
STAMP = "dataflow-rules"
"""Header with the version of the rules, which only grows."""


def check_all(site: Site) -> int:
    """Check everything once nothing moves; return how many records have come in so far."""
    site.brokers.wait_in_sync()
    _wait_at_rest(site)
    sources = {topic: _read(site, topic) for topic in (*SAMPLE_TOPICS, INGESTED)}
    _check_sources(site, sources)
    expected = expected_of(sources)
    _check_outputs(site, expected)
    _check_dead_letters(site, expected)
    worker = site.enrichers[-1]
    _check_balances(ask_balances(worker), expected)
    check_tables(ask_tables(worker), tables_of(expected.rows)[0])
    _check_postgres(site)
    _check_s3(site)
    return sum(map(len, sources.values()))


def _read(site: Site, topic: str) -> list[Read]:
    return site.cluster.kafka.read_topic(topic, READ_SECONDS)


def _wait_at_rest(site: Site) -> None:
    """Wait until the workers have committed all that the source topics hold, dead letters included."""
    left: dict[tuple[str, int], int] = {}

    def is_at_rest() -> bool:
        time.sleep(POLL_SECONDS)
        site.check_alive()
        left.clear()
        try:
            ends = site.ends("dataflow")
        except KafkaException:
            return False
        committed = site.committed("dataflow")
        left.update(
            {place: end - at for place, end in ends.items() if (at := committed["dataflow", *place]) < end}
        )
        return not left

    wait_until(is_at_rest, REST_SECONDS, lambda: f"rest, but so much is left: {left}; {site.cluster.tails()}")


def _check_sources(site: Site, sources: dict[str, list[Read]]) -> None:
    """Check that the topics hold what was sent: else nothing that is compared with them proves anything.

    The load's producer may have written some of it twice: librdkafka begins a new epoch when a broker dies,
    and sends again what was not acknowledged. Each of these counts, then, wherever it is compared.
    """
    found: dict[tuple[str, int], list[tuple[object, ...]]] = defaultdict(list)
    for stream in SAMPLE_TOPICS:
        for read in sources[stream]:
            found[stream, read.partition].append((read.key, read.value))
    for place, sent in site.load.sent.items():
        wanted = [(b"%d" % number, event_of(place, number, site.load.seed)) for number in range(sent)]
        check_alike(f"source {place[0]}/{place[1]}", [*dict.fromkeys(found[place])], wanted)
    there = {read.value for read in sources[INGESTED]}
    lost = {n for n in site.load.accepted if line(n) not in there}
    assert not lost, f"{INGESTED} lacks {len(lost)} acknowledged lines, first {sorted(lost)[:5]}"


def _check_outputs(site: Site, expected: Expected) -> None:
    """Check that a read_committed reader sees every output once, in order."""
    found: dict[tuple[str, int], list[tuple[object, ...]]] = defaultdict(list)
    for topic in OUTPUTS:
        versions: dict[int, int] = defaultdict(int)
        for read in _read(site, topic):
            headers = tuple(header for header in read.headers if header[0] != STAMP)
            found[topic, read.partition].append((read.key, read.value, headers, read.timestamp))
            version = max((int(raw) for name, raw in read.headers if name == STAMP), default=0)
            assert version >= versions[read.partition], f"rules of {topic}/{read.partition} go back"
            versions[read.partition] = version
    for place in sorted(expected.outputs.keys() | found.keys()):
        check_alike(f"{place[0]}/{place[1]}", found[place], expected.outputs[place])
    lines: dict[int, list[int]] = defaultdict(list)
    for read in _read(site, SINK_TOPICS["postgres"]):
        lines[read.partition].append(number_of_output(read.value or b""))
    for partition in sorted(lines.keys() | expected.lines.keys()):
        numbers, wanted = lines[partition], expected.lines[partition]
        check_alike(f"parsed lines/{partition}", [(n,) for n in numbers], [(n,) for n in wanted])


def _check_dead_letters(site: Site, expected: Expected) -> None:
    """Check that everything unusable is there once, byte for byte, with its reason and origin."""
    found: Counter[tuple[str, int, int]] = Counter()
    for read in _read(site, DEAD_LETTERS):
        told = {name: raw.decode() for name, raw in read.headers if name.startswith("dataflow-")}
        if told["dataflow-stage"] == "ingest":
            continue
        origin = told["dataflow-topic"], int(told["dataflow-partition"]), int(told["dataflow-offset"])
        found[origin] += 1
        if origin in expected.letters:
            assert read.value == expected.letters[origin], f"dead letter of {origin}"
            assert told["dataflow-reason"] == expected.reasons.get(origin, told["dataflow-reason"]), origin
    wanted = Counter(dict.fromkeys(expected.letters, 1))
    _check_once("dead letters", found, wanted)


def _check_balances(found: dict[str, dict[str, object]], expected: Expected) -> None:
    for stream, wanted in expected.balances.items():
        shown = {name: found[stream].get(name) for name in wanted}
        assert shown == wanted, f"balance of {stream} is {shown}; expected {wanted}"


def _check_postgres(site: Site) -> None:
    wanted = Counter((read.partition, read.offset) for read in _read(site, SINK_TOPICS["postgres"]))
    rows: list[tuple[int, int]] = []

    def are_there() -> bool:
        rows[:] = site.postgres.origins()
        return len(rows) >= len(wanted)

    _wait_stored(site, are_there, lambda: f"{len(wanted)} rows, but {len(rows)}")
    _check_once("rows of PostgreSQL", Counter(rows), wanted)


def _check_s3(site: Site) -> None:
    wanted = Counter(_canonical(read.value or b"") for read in _read(site, SINK_TOPICS["s3"]))
    lines: list[bytes] = []

    def are_there() -> bool:
        lines[:] = site.s3.lines()
        return len(lines) >= wanted.total()

    _wait_stored(site, are_there, lambda: f"{wanted.total()} lines of objects, but {len(lines)}")
    _check_once("lines of objects", Counter(map(_canonical, lines)), wanted)


def _canonical(raw: bytes) -> bytes:
    return orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)


def _wait_stored(site: Site, are_there: Callable[[], bool], what: Callable[[], str]) -> None:
    wait_until(are_there, STORED_SECONDS, lambda: f"{what()}; {[worker.tail() for worker in site.sinks]}")


def _check_once(what: str, found: Counter[Any], wanted: Counter[Any]) -> None:
    lost, extra = wanted - found, found - wanted
    assert not lost, f"{what}: {lost.total()} of {wanted.total()} are missing, first {list(lost)[:3]}"
    assert not extra, f"{what}: {extra.total()} too many, first {list(extra)[:3]}"
