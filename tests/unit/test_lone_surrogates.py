"""Lone surrogates: half a character somewhere in an event never costs the event."""

import json

import pytest
from aiokafka.record.default_records import DefaultRecord
from hypothesis import given
from hypothesis import strategies as st

from dataflow.catalogue.declared import INGESTED
from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.lone_surrogates import replace_lone_surrogates
from dataflow.sources.sorting import Sorter
from dataflow.stages.datastream2 import DATASTREAM2
from dataflow.stages.filter_rules import FilterRules, request_filter
from dataflow.stages.lines import LINE_STAGES, StageOptions
from dataflow.stages.source_category import load_utm_sources, source_enrichment
from dataflow.stages.stay_category import STAY_CATEGORY

BOOKING = b'{"hotel_id": 7, "srch_ci": "2017-08-01", "srch_co": "2017-08-03", "date_time": null}'
VIEW = b'{"utm_source": "google", "page_url_path": "/", "event_timestamp": null, "user_custom_id": null}'
CDN_LINE = b'{"reqPath": "a", "statusCode": "200"}'
STAGES = [
    pytest.param(STAY_CATEGORY, BOOKING, id="bookings"),
    pytest.param(source_enrichment(load_utm_sources()), VIEW, id="page views"),
    pytest.param(request_filter(FilterRules([])), CDN_LINE, id="cdn lines"),
    pytest.param(DATASTREAM2, CDN_LINE, id="typed cdn lines"),
]


def with_text(event: bytes, text: bytes) -> bytes:
    """Return an event with one more field of text, which no stage reads."""
    return event[:-1] + b', "more": "' + text + b'"}'


def applied(stage, *values: bytes) -> ColumnBatch:
    """Return what a stage makes of records in one batch."""
    rows = ColumnBatch()
    stage.apply([DefaultRecord(n, 1_500_000_000_000, 0, b"k", raw, []) for n, raw in enumerate(values)], rows)
    return rows


@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        (rb"\ud800", rb"\ufffd"),
        (rb"a\uD83Db\ude00", rb"a\ufffdb\ufffd"),
        (rb"\ude00\ud83d", rb"\ufffd\ufffd"),
        (rb"\ud83d\ud83d\ude00", rb"\ufffd\ud83d\ude00"),
        (rb"\\ud800 \\\ud800", rb"\\ud800 \\\ufffd"),
        (rb"\u00e4\n\"\uD7FF\ue000", rb"\u00e4\n\"\uD7FF\ue000"),
    ],
)
def test_half_a_character_becomes_the_replacement_character(sent, mended):
    """Whole pairs, and what only looks like an escape, stay."""
    assert replace_lone_surrogates(sent) == mended


@given(st.text(st.characters(exclude_categories=[])))
def test_what_comes_out_is_the_text_as_other_parsers_replace_it(text):
    """No pair is taken apart, whatever stands beside it."""
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert json.loads(replace_lone_surrogates(json.dumps(text).encode())) == expected


@pytest.mark.parametrize(("stage", "event"), STAGES)
def test_an_event_with_one_goes_on_in_its_place_and_stays_with_its_record(stage, event):
    """Between two whole ones; the output is JSON that every parser takes."""
    rows = applied(stage, event, with_text(event, rb"\ud800x"), event)
    assert [record.offset for record in rows.records] == [0, 1, 2]
    assert not rows.rejected
    assert [json.loads(value).get("more") for value in rows.values()] == [None, "\ufffdx", None]
    assert [(out[0], out[1]) for out in rows.outgoing("t", None).records] == [(1_500_000_000_000, b"k")] * 3


@pytest.mark.parametrize(("stage", "event"), STAGES)
def test_what_else_is_wrong_with_an_event_still_rejects_it_as_it_was_sent(stage, event):
    """A dead letter holds the bytes that came."""
    raw = with_text(event, rb"\ud800")[:-1]
    [(record, fault)] = applied(stage, raw).rejected
    assert (record.value, fault.reason.value) == (raw, "not_json")


@pytest.mark.parametrize("name", ["stay-category", "source-category", "datastream2"])
def test_the_command_applies_a_stage_to_one_in_the_same_way(name):
    """`dataflow apply` shows what a worker would do."""
    event = {"stay-category": BOOKING, "source-category": VIEW, "datastream2": CDN_LINE}[name]
    [line] = LINE_STAGES[name](StageOptions())(with_text(event, rb"\udc00"))
    assert json.loads(line)["more"] == "\ufffd"


def test_what_comes_by_http_or_from_a_file_is_mended_before_its_topic():
    """Else a sender would be refused for a file of them."""
    sorter = Sorter(INGESTED["cdn-logs"], [], now_ms=0, most_bytes=1_000, most_dead_bytes=1_000)
    sorter.sort([CDN_LINE, with_text(CDN_LINE, rb"\ud800"), with_text(CDN_LINE, b"\\ud800\xff")])
    done = sorter.take()
    assert [value for _, _, value, _ in done.good] == [CDN_LINE, with_text(CDN_LINE, rb"\ufffd")]
    assert len(done.dead) == 1
