"""The OpenSearch sink and events that do not fit: on a real server, every event stored."""

from datetime import date, timedelta

import pytest
from sinks.opensearch_fixtures import OneSink
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.sink_records import a_record, a_view

from dataflow.errors import SinkUnavailable

pytestmark = [pytest.mark.skipif(not JARS, reason=NOT_THERE), pytest.mark.timeout(600)]

DAY = "2026-09-20"
A_DAY = 1_790_000_000_000 - 86_400_000


def a_good_view(number: int) -> bytes:
    """Return a page view of the day of all of these tests."""
    return a_view(number, f"{DAY} 12:00:00", utm_content="text", os="Linux")


ODD = {
    "an object for a text": {"utm_content": {"a": 1}},
    "objects in a list": {"utm_content": [{"a": 1}]},
    "an object for a number": {"geo_latitude": {"of": "no number"}},
    "a text for a number": {"referer_url_port": "http"},
    "a number beyond all": {"referer_url_port": 1e300},
    "no address": {"ip_address": "nowhere"},
    "no truth": {"device_is_mobile": "perhaps"},
    "no time": {"event_timestamp": "yesterday"},
    "960 fields": {f"field_{number}": number for number in range(960)},
    "one of 100,000 characters": {"note": "x" * 100_000},
    "a text of 100,000 characters": {"os": "x" * 100_000},
    "names that no field may have": {"": 1, "a..b": 2, ".": 3, "_id": 4},
    "two hundred levels": {"deep": [[[[[{}]]]]]},
    "the name of ours": {"location": "here", "@timestamp": "now", "other": 1, "unindexed": {}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_event_that_does_not_fit_is_stored_and_makes_no_other_fail(one_sink: OneSink, odd):
    """One with an object as utm_content, or with 960 fields, made 200 good ones of that day dead letters."""
    view = a_view(0, **({"event_timestamp": f"{DAY} 00:00:00"} | odd))
    first = a_record(0, view, A_DAY)
    assert await one_sink.write([first]) == []
    assert await one_sink.write([a_record(n, a_good_view(n), A_DAY) for n in range(1, 201)]) == []
    assert one_sink.count({"term": {"utm_content": "text"}}) == 200
    assert one_sink.count({"range": {"@timestamp": {"gte": DAY, "lt": "2026-09-22"}}}) == 201
    assert len(one_sink.indexed_fields()) < 50


async def test_fields_that_are_not_known_can_be_searched(one_sink: OneSink):
    """By their names, in the one field that has them."""
    await one_sink.write([a_record(0, a_view(0, f"{DAY} 00:00:00", colour="red", size={"cm": 7}))])
    assert one_sink.count({"term": {"other.colour": "red"}}) == 1
    assert one_sink.count({"term": {"other.size.cm": "7"}}) == 1


@pytest.mark.parametrize(
    "value",
    [
        b'{"event_timestamp":"%b 01:00:00","os":"a","os":"b"}' % DAY.encode(),
        b'{"event_timestamp":"%b 01:00:00","referer_url_port":%b}' % (DAY.encode(), b"9" * 1_200),
    ],
    ids=["a field twice", "a number of 1,200 digits"],
)
async def test_what_the_server_cannot_even_read_is_kept_as_text(one_sink: OneSink, value):
    """It can be found by its time, and it is as it was sent."""
    good = [a_record(n, a_good_view(n), A_DAY) for n in range(1, 100)]
    assert await one_sink.write([a_record(0, value, A_DAY), *good]) == []
    [odd] = one_sink.sources({"bool": {"must_not": {"exists": {"field": "event_id"}}}})
    assert odd == {"@timestamp": f"{DAY}T01:00:00.000Z", "unindexed": value.decode()}
    assert one_sink.count({"match_all": {}}) == 100


OF_THE_RELEASE_BEFORE = {
    "date_detection": False,
    "dynamic_templates": [
        {"texts": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 8_191}}}
    ],
    "properties": {"@timestamp": {"type": "date"}, "utm_content": {"properties": {"a": {"type": "long"}}}},
}


async def test_an_index_of_the_release_before_takes_what_it_can(one_sink: OneSink):
    """Its day is spoilt by an object where a text belongs: what does not fit there is kept as text."""
    one_sink.ask_for("DELETE", f"_index_template/dataflow-{one_sink.prefix}")
    one_sink.make_index(DAY.replace("-", "."), OF_THE_RELEASE_BEFORE)
    after = one_sink.with_prefix(one_sink.prefix)
    assert await after.write([a_record(n, a_good_view(n), A_DAY) for n in range(50)]) == []
    assert await after.write([a_record(50, a_view(50, f"{DAY} 01:00:00", colour="red"), A_DAY)]) == []
    await after.sink.close()
    assert one_sink.count({"range": {"@timestamp": {"gte": DAY, "lt": "2026-09-21"}}}) == 51
    assert one_sink.count({"term": {"other.colour": "red"}}) == 1


async def test_events_of_1200_days_leave_room_for_others(one_sink: OneSink):
    """They filled the thousand shards of the cluster, and nobody could make an index any more."""
    days = [date(2026, 9, 21) - timedelta(days=n) for n in range(1_200)]
    records = [a_record(n, a_view(n, f"{day} 01:00:00")) for n, day in enumerate(days)]
    assert await one_sink.write_patiently(records) == []
    assert one_sink.count({"match_all": {}}) == 1_200
    indices = one_sink.indices()
    assert len(indices) < 50
    assert {f"{one_sink.prefix}-overflow", f"{one_sink.prefix}-2026.09.20"} < indices
    one_sink.make_index("another", {})


WAITS = {
    "a cluster that is full": "validation_exception",
    "a pipeline that is not there": "pipeline with id [nobody-made-it] does not exist",
    "an alias without a write index": "no write index is defined for alias",
    "an index that may only be read": "index read-only (api)",
    "a disk that is full": "disk usage exceeded flood-stage watermark",
}


@pytest.mark.parametrize("fault", WAITS)
async def test_what_a_person_has_to_mend_is_waited_for(one_sink: OneSink, fault):
    """No record is at fault, so none is a dead letter; when it is mended, all are stored."""
    batch = [a_record(n, a_good_view(n)) for n in range(20)]
    with one_sink.broken(fault), pytest.raises(SinkUnavailable) as told:
        await one_sink.write(batch)
    assert WAITS[fault] in str(told.value)
    assert await one_sink.write(batch) == []
    assert one_sink.count({"match_all": {}}) == 20


async def test_a_pipeline_that_fails_for_one_event_keeps_it_as_text(one_sink: OneSink):
    """A person's pipeline may be at odds with an event; others go through it."""
    one_sink.ask_for("PUT", "_ingest/pipeline/strict", processors=[
        {"rename": {"field": "os", "target_field": "system"}}
    ])  # fmt: skip
    one_sink.make_index(DAY.replace("-", "."), {}, {"index.default_pipeline": "strict"})
    odd = a_record(0, a_view(0, f"{DAY} 01:00:00"), A_DAY)
    assert await one_sink.write([odd, *(a_record(n, a_good_view(n), A_DAY) for n in range(1, 10))]) == []
    [kept] = one_sink.sources({"bool": {"must_not": {"exists": {"field": "event_id"}}}})
    assert kept == {"@timestamp": f"{DAY}T01:00:00.000Z", "unindexed": a_view(0, f"{DAY} 01:00:00").decode()}
    assert one_sink.count({"match_all": {}}) == 10


async def test_a_day_that_is_closed_holds_up_no_other(one_sink: OneSink):
    """Somebody has put it away; what comes late for it goes where events without an index of their own go."""
    one_sink.make_index(DAY.replace("-", "."), {})
    one_sink.ask_for("POST", f"{one_sink.prefix}-{DAY.replace('-', '.')}/_close")
    today = [a_record(n, a_view(n, "2026-09-21 01:00:00")) for n in range(10)]
    assert await one_sink.write([a_record(10, a_good_view(10)), *today]) == []
    assert one_sink.counts() == {f"{one_sink.prefix}-2026.09.21": 10, f"{one_sink.prefix}-overflow": 1}


async def test_templates_of_prefixes_that_begin_alike_go_together(one_sink: OneSink):
    """And so they do with one that somebody has made for all indices of a name."""
    one_sink.ask_for("PUT", f"_index_template/{one_sink.prefix}-own", index_patterns=[f"{one_sink.prefix}*"],
                     priority=200, template={"mappings": {"dynamic": "strict"}})  # fmt: skip
    longer = one_sink.with_prefix(f"{one_sink.prefix}-longer")
    assert await one_sink.write([a_record(0, a_view(0))]) == []
    assert await longer.write([a_record(0, a_view(0), 1_790_000_000_000)]) == []
    await longer.sink.close()
    assert one_sink.count({"match_all": {}}) == 2


async def test_a_template_that_is_deleted_with_the_index_of_today_is_there_again_before_it(
    one_sink: OneSink,
):
    """That day got a mapping that OpenSearch guessed from the next event, and kept it."""
    for number in range(2):
        await one_sink.write([a_record(number, a_good_view(number), A_DAY)])
    index = f"{one_sink.prefix}-{DAY.replace('-', '.')}"
    one_sink.ask_for("DELETE", f"_index_template/dataflow-{one_sink.prefix}")
    one_sink.ask_for("DELETE", index)
    assert await one_sink.write([a_record(2, a_good_view(2), A_DAY)]) == []
    assert one_sink.ask_for("GET", f"{index}/_mapping")[index]["mappings"]["dynamic"] == "false"


async def test_a_template_that_is_deleted_is_there_again_before_the_next_day(one_sink: OneSink):
    """Indices of new days got dynamic mappings, without a word: one odd event spoilt its day for others."""
    await one_sink.write([a_record(0, a_good_view(0), A_DAY)])
    one_sink.ask_for("DELETE", f"_index_template/dataflow-{one_sink.prefix}")
    await one_sink.write([a_record(1, a_good_view(1), A_DAY)])
    odd = a_view(2, "2026-09-21 12:00:00", utm_content={"a": 1}, colour="red")
    assert await one_sink.write([a_record(2, odd)]) == []
    assert await one_sink.write([a_record(3, a_view(3, "2026-09-21 13:00:00", utm_content="text"))]) == []
    mapping = one_sink.ask_for("GET", f"{one_sink.prefix}-2026.09.21/_mapping")
    assert mapping[f"{one_sink.prefix}-2026.09.21"]["mappings"]["dynamic"] == "false"
    assert one_sink.count({"match_all": {}}) == 4
