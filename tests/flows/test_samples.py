"""The three flows end to end: every sample event through a real worker on a real broker."""

import json
from collections import Counter

from chaos.checks import (
    check_balances,
    check_changelogs,
    check_outputs,
    check_tables,
    expected_late,
    expected_tables,
)
from chaos.flows import CATEGORIES
from expected_stays import expected_stay_counts

from dataflow.demo.samples import sample_events

DROPPED = {"bots": 1_397, "favicon": 808}


def test_every_event_is_out_once_as_it_came_with_what_its_stage_adds(played):
    """Bytes, field order, number formats, key, headers, timestamp, partition and order survive."""
    check_outputs(played.outputs, played.feed)


def test_no_event_of_the_samples_is_a_dead_letter(played):
    """The samples are what real senders send."""
    assert played.dead_letters == []


def test_outputs_hold_no_metadata_of_the_framework(played):
    """Stock Faust puts `__faust` into every record, and its consumers choke on it."""
    sent = {
        key
        for stream in ("expedia", "raw-web-events")
        for raw in sample_events(stream)
        for key in json.loads(raw)
    }
    added = {"stay_category", "source_category", "user_email_domain"}

    found = {
        key
        for topic in ("expedia_ext", "enriched-web-events")
        for r in played.outputs[topic]
        for key in json.loads(r.value)
    }

    assert found == sent | added
    assert {tuple(json.loads(r.value)) for r in played.outputs["expedia_test"]} == {
        ("hotel_id", "stay_category")
    }


def test_stays_are_counted_as_the_makers_of_the_sample_have_counted_them(played):
    """The figures come with the data and were made by another program."""
    counted = played.tables["stays_per_category"]["all"][None]

    assert counted == {
        category: {"count": counts["count_all"], "distinct_hotels": counts["count_distinct"]}
        for category, counts in expected_stay_counts().items()
    }


def test_every_window_of_every_table_is_as_counted_by_hand(played):
    """All time, days, hours and minutes; late events and deleted windows, too."""
    check_tables(played.tables, expected_tables(played.feed))


def test_late_events_are_counted_apart(played):
    """The lines of the CDN come out of order; those that miss their minute are not silently gone."""
    late = expected_late(played.feed)["requests_per_status"]

    assert played.kept["tables"]["requests_per_status"]["late"] == {"day": 0, "hour": 0, "minute": 0, **late}


def test_changelogs_hold_what_the_worker_has_served(played):
    """The next worker begins with it."""
    check_changelogs(played.kept, played.feed)


def test_the_balance_says_where_every_event_has_ended(played):
    """Dropped lines are counted by rule, and nothing is in two places."""
    check_balances(played.event_counts_by_stream, played.feed)
    received = {
        stream: event_counts["received"] for stream, event_counts in played.event_counts_by_stream.items()
    }

    assert received.items() >= {"cdn-logs": 9_999, "expedia": 21_891, "raw-web-events": 5_874}.items()
    assert played.event_counts_by_stream["cdn-logs"]["dropped"] == DROPPED


def test_source_categories_are_those_of_the_map(played):
    """The categories are the customer's words: a typing error would be a new category."""
    sources = Counter(json.loads(raw)["utm_source"] for raw in sample_events("raw-web-events"))
    wanted: Counter[str] = Counter()
    for source, views in sources.items():
        wanted[CATEGORIES[source] if source else "(none)"] += views

    counted = played.tables["views_per_source_category"]["all"][None]

    assert {category: entry["count"] for category, entry in counted.items()} == wanted


def test_the_worker_ends_well_when_asked_to(played):
    """An orchestrator counts any other exit code as a crash."""
    assert played.exit_code == 0
