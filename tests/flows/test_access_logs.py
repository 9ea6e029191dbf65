"""Access logs end to end: real lines over HTTP, parsed, placed and counted; databases change meanwhile."""

import gzip
import json
import re
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import maxminddb
import pytest
from chaos.answers import ask_balances, ask_whole
from chaos.cluster import running_cluster
from chaos.waiting import wait_until
from harness.pages import every_page
from kafka_client import Read
from sources.senders import Ingest

from models.access_log_entry import AccessLogEntry

DATA = Path(__file__).parents[1] / "data"
PACKED = (DATA / "access_logs/apache_combined_10k.log.gz").read_bytes()
LINES = gzip.decompress(PACKED).splitlines()
CITY_PATH = DATA / "geoip/GeoLite2-City-Test.mmdb"
CITY = CITY_PATH.read_bytes()
# The same length in bytes, so that the file stays a database.
NEWER_CITY = CITY.replace("Linköping".encode(), b"Stockholm.")
# Written apart from the stage, and for these lines alone.
COMBINED = re.compile(r'(\S+) \S+ \S+ \[[^]]+\] "(\S+) (\S+) [^"]*" (\d+) (\d+|-) "[^"]*" "[^"]*"')
WITH_CLIENTS = ("requests_per_endpoint", "requests_per_country")
SENDER = (("dataflow-sender", b"127.0.0.1"), ("dataflow-forwarded-for", b"198.51.100.7, 10.0.0.1"))
SWEDISH = b'89.160.20.112 - - [17/May/2015:10:05:03 +0000] "GET /%b HTTP/1.1" 200 1 "-" "-"'


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory):
    """Return one worker for all tests of this file, in their order; it begins without databases."""
    with running_cluster(tmp_path_factory.mktemp("access-logs")) as cluster:
        yield Ingest(cluster, cluster.start_worker().wait_ready())


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the city database is, which tests replace."""
    path = tmp_path_factory.mktemp("geoip") / "city.mmdb"
    path.write_bytes(CITY)
    return path


def entry_of(ingest: Ingest, endpoint: str) -> dict[str, object]:
    """Return the entry with this endpoint, once it is there."""
    having = b'"endpoint":"%b"' % endpoint.encode()
    (found,) = wait_until(lambda: ingest.read("access-logs-parsed", having), 60, f"an entry of {endpoint}")
    return json.loads(found.value or b"")


def counted_by_hand() -> dict[str, dict[str, dict[str, int]]]:
    """Return what the tables should have of the lines of the first two tests."""
    tables = ("requests_per_endpoint", "requests_per_status", "requests_per_country", "top_clients")
    sums: dict[str, dict[str, Counter[str]]] = {table: defaultdict(Counter) for table in tables}
    clients: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    matches = (COMBINED.fullmatch(line.decode()) for line in [SWEDISH % b"nowhere", *LINES])
    with maxminddb.open_database(CITY_PATH, maxminddb.MODE_MEMORY) as database:
        for ip, _, target, status, size in (match.groups() for match in matches if match):
            place = database.get(ip) if target != "/nowhere" else None  # it came before the database
            country = place["country"]["iso_code"] if isinstance(place, dict) else "(none)"
            endpoint = unquote(target.partition("?")[0], errors="backslashreplace")
            endpoint = "/" + endpoint.lstrip("/") if endpoint.startswith("/") else endpoint
            keys = (endpoint if len(endpoint) <= 200 else f"{endpoint[:199]}…", status, country, ip)
            of_line = {
                "count": 1,
                "bytes": 0 if size == "-" else int(size),
                "errors": int(int(status) >= 500),
            }
            for table, key in zip(tables, keys, strict=True):
                sums[table][key].update(of_line)
                clients[table, key].add(ip)
    return {
        table: {
            key: dict(of_key)
            | ({"distinct_clients": len(clients[table, key])} if table in WITH_CLIENTS else {})
            for key, of_key in keys.items()
        }
        for table, keys in sums.items()
    }


def counted(ingest: Ingest, table: str) -> dict[str, dict[str, int]]:
    """Return what a table has counted of all time, by key."""
    (window,) = every_page(partial(ask_whole, ingest.worker), table, "all")["windows"]
    return {entry.pop("key"): entry for entry in window["entries"]}


def test_without_databases_places_are_null_and_the_start_says_so(ingest: Ingest):
    """Null is not a guess, and nobody has to wonder why."""
    assert ingest.post("/ingest/access-logs", SWEDISH % b"nowhere").json["accepted"] == 1
    entry = entry_of(ingest, "/nowhere")
    places = ("country", "country_name", "region", "city", "latitude", "longitude", "asn", "as_org")
    assert [entry[name] for name in places] == [None] * 8
    sentence = "Fields of a GeoIP database that is not set are null."
    assert f'"message":"{sentence}","city":null,"network":null' in ingest.worker.said()


def test_of_10000_real_lines_each_ends_in_one_place(ingest: Ingest, city: Path):
    """One has lost the end of its user agent: it is a dead letter, raw; all others are parsed."""
    assert ingest.worker.stop() == 0
    ingest.worker.environment["DATAFLOW_GEOIP_CITY"] = str(city)
    ingest.worker.start().wait_ready()
    packed = ("-H", "Content-Encoding: gzip", "-H", "X-Forwarded-For: 198.51.100.7, 10.0.0.1")
    assert ingest.post("/ingest/access-logs", PACKED, *packed).json == {
        "accepted": 10_000,
        "dead_lettered": 0,
    }
    event_counts = {"received": 10_001, "sent": 10_000, "dropped": {}, "dead_lettered": {"unparsable": 1}}

    def seen() -> dict[str, object]:
        return ask_balances(ingest.worker)["access-logs"]

    wait_until(lambda: seen() == event_counts, 60, lambda: f"{event_counts}, but {seen()}")
    (letter,) = wait_until(lambda: ingest.cluster.kafka.read_topic("dead-letters"), 60, "the dead letter")
    assert [letter.value] == [line for line in LINES if not COMBINED.fullmatch(line.decode())]
    assert dict(letter.headers)["dataflow-stage"] == b"access-log"

    def entries() -> list[Read]:
        return [one for one in ingest.cluster.kafka.read_topic("access-logs-parsed") if one.headers == SENDER]

    wait_until(lambda: len(entries()) == 9_999, 60, lambda: f"9,999 entries, but {len(entries())}")
    assert {tuple(json.loads(read.value or b"")) for read in entries()} == {
        tuple(AccessLogEntry.__annotations__)
    }


def test_tables_are_as_counted_by_hand(ingest: Ingest):
    """By a pattern of these lines alone, and the database asked directly."""
    wanted = counted_by_hand()
    found = {table: counted(ingest, table) for table in wanted}
    exact = ("count", "bytes", "errors", "distinct_clients")
    assert {
        table: {key: {name: entry[name] for name in exact if name in entry} for key, entry in entries.items()}
        for table, entries in found.items()
    } == wanted


def test_a_database_that_is_replaced_is_taken_over_without_a_restart(ingest: Ingest, city: Path):
    """A broken one is not: it is told of, and the one before stays."""
    said = f'"message":"New GeoIP database is in use.","file":"{city}"'
    new = city.with_suffix(".new")
    new.write_bytes(NEWER_CITY)
    new.rename(city)
    wait_until(lambda: said in ingest.worker.said(), 30, said)
    ingest.post("/ingest/access-logs", SWEDISH % b"moved")
    assert entry_of(ingest, "/moved")["city"] == "Stockholm."

    city.write_bytes(CITY[:5_000])  # in place, as a copy that broke off
    refused = "GeoIP database is refused; the old one stays in use"
    wait_until(lambda: refused in ingest.worker.said(), 30, refused)
    ingest.post("/ingest/access-logs", SWEDISH % b"kept")
    assert entry_of(ingest, "/kept")["city"] == "Stockholm."

    city.write_bytes(CITY)
    wait_until(lambda: ingest.worker.said().count(said) == 2, 30, "the good one again")
    ingest.post("/ingest/access-logs", SWEDISH % b"back")
    assert entry_of(ingest, "/back")["city"] == "Linköping"
