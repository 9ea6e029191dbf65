"""Values of an unexpected type beside the point: the event counts, in tables and in PostgreSQL alike."""

import json

import pytest

from dataflow.demo.samples import sample_events
from dataflow.engine.decoding import fault_of
from dataflow.errors import InvalidEvent
from dataflow.sinks.postgres.rows import compile_rows
from dataflow.sinks.postgres.tables import TABLES
from dataflow.stages.filter_rules import read_request
from dataflow.stages.request import Request
from dataflow.stages.source_category import load_utm_sources, source_enrichment
from dataflow.stages.stay_category import STAY_CATEGORY, stay_of

VIEWS = source_enrichment(load_utm_sources())
TABLE = {table.name: table for table in TABLES}


class Stored:
    """A record of an output topic."""

    offset, timestamp, key, headers = 7, 1_500_000_000_000, None, ()

    def __init__(self, value: bytes) -> None:
        self.value = value


def row_of(table: str, value: bytes) -> dict[str, object]:
    """Return the row of an event, by column."""
    _, row = compile_rows(TABLE[table])(Stored(value))
    return dict(zip(("offset", "day", "ts", *TABLE[table].columns), row, strict=True))


@pytest.mark.parametrize(
    ("sent", "category", "stored"),
    [
        (["google"], None, '["google"]'),
        ({"a": 1}, None, '{"a": 1}'),
        (5, "other/unknown", "5"),
        (1.5, "other/unknown", "1.5"),
        (True, None, "true"),
        (None, None, None),
    ],
)
def test_a_utm_source_of_any_type_is_a_page_view_all_the_same(sent, category, stored):
    """Trackers send what a page's address holds."""
    view = {"event_timestamp": "2015-05-17 10:05:03.5", "page_url_path": "/a", "utm_source": sent}
    out = VIEWS(json.dumps(view).encode())
    assert json.loads(out).get("source_category") == category
    row = row_of("page_views", out)
    assert (row["page_url_path"], row["utm_source"]) == ("/a", stored)


@pytest.mark.parametrize(
    ("sent", "hotel"),
    [("970662608899.0", 970662608899), ("970662608899", 970662608899), ("12.5", None), ("1e300", None)],
)
def test_a_hotel_that_is_sent_with_a_fraction_of_nothing_is_that_hotel(sent, hotel):
    """A column with gaps is written so by pandas."""
    booking = json.loads(sample_events("expedia")[0]) | {"hotel_id": "HOTEL"}
    raw = json.dumps(booking).replace('"HOTEL"', sent).encode()
    row = row_of("stays", STAY_CATEGORY(raw))
    assert row["hotel_id"] == hotel
    if sent != "1e300":
        read = STAY_CATEGORY.decoder.read(raw)
        assert json.loads(stay_of(read, STAY_CATEGORY.added_to(read)))["hotel_id"] == hotel


def test_a_number_column_takes_no_text():
    """A status `ok` is no status: whoever wrote it meant another field."""
    with pytest.raises(InvalidEvent):
        row_of("web_logs", b'{"status":"ok"}')
    assert fault_of(TypeError("value is null"), None).detail


def test_postgres_stores_the_key_that_tables_count():
    """One resource is one key, however a client encoded its path."""
    assert row_of("web_logs", b'{"endpoint":"//A%20B"}')["endpoint"] == "/A B"


def test_a_value_that_no_datastream_writes_costs_only_its_field():
    """What is stored of the line has the others, too."""
    line = b'{"reqPath":"A%20B","statusCode":"503","bytes":[1],"cliIP":{"a":1},"reqTimeSec":1431857103}'
    site = "503 (none) (none)"
    assert read_request(line) == Request(1_431_857_103_000, "/A B", "503", True, 0, site=site)
