"""To add a stream is to add its declaration: everybody else finds it there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def known():
    """Return what everybody knows where one more stream is declared."""
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    done = subprocess.run(
        [sys.executable, str(TESTS / "made_up" / "knowledge.py")],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_topics_are_made(known):
    """With their own settings, a changelog, and a partition more for what was read of inputs."""
    assert known["topics"] == {
        "parcels": [2, 7],
        "parcels-insured": [3, 2],
        "made-up-parcels-changelog": [2, None],
        "ingested-inputs": [5, None],
        "ingest-runs": [5, 1],
    }


def test_it_may_be_sent_and_read_from_files(known):
    """Over HTTP, which says so in its document, and as a setting of inputs names it."""
    assert "parcels" in known["received"]
    assert known["openapi"] == ["cdn-logs", "access-logs", "web-events", "bookings", "parcels"]
    assert known["inputs"] == ["parcels=/var/scans"]
    assert known["generators"]["parcels"] == "parcels"


def test_filter_rules_may_not_write_to_it(known):
    """Their lines would be taken for its events."""
    assert "parcels" in known["not for rules"]
    assert "parcels-insured" not in known["not for rules"]


def test_postgres_gets_a_table_as_its_record_is(known):
    """Like the tables that migrations have made: origin, day and event time, then the fields."""
    assert known["postgres"] == (
        "CREATE TABLE parcels (\n"
        "    topic text NOT NULL,\n"
        "    partition integer NOT NULL,\n"
        '    "offset" bigint NOT NULL,\n'
        "    day date NOT NULL,\n"
        "    ts timestamptz,\n"
        '    "parcel_number" text NOT NULL,\n'
        '    "depot" text,\n'
        '    "weight_kg" double precision,\n'
        '    "pieces" bigint,\n'
        '    "is_insured" boolean,\n'
        '    PRIMARY KEY (partition, "offset", topic, day)\n'
        ") PARTITION BY RANGE (day);\n"
        "CREATE INDEX parcels_ts ON parcels USING brin (ts)"
    )


def test_opensearch_gets_the_types_of_its_fields(known):
    """Those of the Record, and what the declaration says beyond it; ours, and none besides."""
    assert {name: mapping["type"] for name, mapping in known["opensearch"].items()} == {
        "number": "keyword",
        "depot": "keyword",
        "weight_kg": "double",
        "pieces": "short",
        "is_insured": "boolean",
        "scanned_at": "date",
        "@timestamp": "date",
        "location": "geo_point",
        "other": "flat_object",
        "unindexed": "keyword",
    }


def test_parquet_files_and_csv_files_get_its_columns(known):
    """A topic that is put there as JSON lines needs nothing."""
    assert known["parquet"][3:] == [
        ["number", "string"],
        ["depot", "string"],
        ["weight_kg", "double"],
        ["pieces", "int64"],
        ["is_insured", "bool"],
        ["scanned_at", "string"],
    ]
    assert known["csv"] == ["analytics-events", "parcels-insured"]


def test_sinks_know_its_event_time(known):
    """They sort by it what they store."""
    assert known["event time"] == 1_769_860_800_000
