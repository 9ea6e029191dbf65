"""Generators: the same events for the same seed, as every stage takes them, at the rate asked for."""

import json
import re
from collections import Counter

import pytest

from dataflow.demo.generators.kinds import KINDS, generate
from dataflow.demo.generators.pace import Pace
from dataflow.demo.samples import sample_events
from dataflow.errors import InvalidEvent
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.analytics_event import read_event
from dataflow.stages.filter_rules import FilterRules
from dataflow.stages.geoip import GeoIP
from dataflow.stages.source_category import load_utm_sources, source_enrichment
from dataflow.stages.stay_category import STAY_CATEGORY

START_US = 1_795_000_000_000_000  # 2026-11-18 11:06:40 UTC

TAKEN_BY = {
    "page-views": source_enrichment(load_utm_sources()),
    "bookings": STAY_CATEGORY,
    "cdn-logs": FilterRules([]).dropped_by,
    "access-logs": access_log_stage(None, GeoIP(None, None)).read,
    "events": read_event,
}


def lines_of(
    kind: str, rate: float = 500, seconds: float = 2, seed: int = 7, broken: float = 0
) -> list[bytes]:
    """Return all lines of a run."""
    run = generate(kind, Pace(rate, START_US, seconds), seed=seed, broken=broken)
    return [line for _, lines in run for line in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(kind):
    """A benchmark or a bug report can be repeated elsewhere."""
    assert lines_of(kind) == lines_of(kind)
    assert lines_of(kind) != lines_of(kind, seed=8)


@pytest.mark.parametrize("kind", KINDS)
def test_its_stage_takes_every_event(kind):
    """What is not broken on request is never a dead letter."""
    for line in lines_of(kind):
        TAKEN_BY[kind](line)
        assert b"\n" not in line


@pytest.mark.parametrize("kind", KINDS)
def test_its_stage_takes_no_broken_event(kind):
    """Each way to be broken is one that a stage notices; so the share is that of dead letters."""
    for line in lines_of(kind, broken=1.0):
        with pytest.raises(InvalidEvent):
            TAKEN_BY[kind](line)
        assert b"\n" not in line


def test_the_share_of_broken_events_is_the_one_asked_for():
    """Within what chance allows for a thousand events."""
    whole = lines_of("events")
    broken = lines_of("events", broken=0.2)
    assert len(broken) == len(whole) == 1_000
    assert 140 < sum(not line.endswith(b'Z"}') for line in broken) < 260


@pytest.mark.parametrize(
    ("kind", "stream"), [("page-views", "raw-web-events"), ("bookings", "expedia"), ("cdn-logs", "cdn-logs")]
)
def test_events_look_like_the_samples(kind, stream):
    """The same fields in the same order with values of the same types."""

    def shapes(lines):
        return {tuple((name, type(value)) for name, value in json.loads(line).items()) for line in lines}

    assert shapes(lines_of(kind)) <= shapes(sample_events(stream))


def test_lengths_of_stay_are_as_frequent_as_in_the_samples():
    """Nine of ten searches are for a short stay; a few dates are none."""
    stays = Counter(
        json.loads(STAY_CATEGORY(line))["stay_category"] for line in lines_of("bookings", rate=20_000)
    )
    assert 0.87 < stays["Short stay"] / stays.total() < 0.91
    assert 0 < stays["Erroneous data"] / stays.total() < 0.005


def test_sessions_begin_go_on_and_end():
    """Of each device that is seen from its start: start, money, end, and from the start again."""
    told: dict[str, str] = {}
    for line in lines_of("events", rate=2_000):
        event = json.loads(line)
        told[event["device_id"]] = told.get(event["device_id"], "") + event["event_type"][0]
    alone = [text for text in told.values() if text.count("S") == 1]
    assert len(alone) > 50
    assert all(re.fullmatch("SR*E?", text) for text in alone)


@pytest.mark.parametrize(("kind", "field"), [("page-views", "user_domain_id"), ("bookings", "hotel_id")])
def test_some_keys_are_far_more_frequent_than_others(kind, field):
    """Counts are then as uneven as they are in life."""
    counts = Counter(json.loads(line)[field] for line in lines_of(kind, rate=10_000))
    frequent = [count for _, count in counts.most_common()]
    assert frequent[0] > 10 * frequent[len(frequent) // 2]


@pytest.mark.parametrize(("rate", "seconds"), [(1, 10), (3, 0.4), (0.5, 60), (2_500, 1.05), (1, 86_400)])
def test_a_run_has_rate_times_seconds_events(rate, seconds):
    """Day and night are levelled out over the run."""
    times = [at for tick in Pace(rate, START_US, seconds).ticks() for at in tick.times_us]
    assert len(times) == round(rate * seconds)
    assert times == sorted(times)
    assert START_US <= times[0] <= times[-1] < START_US + seconds * 1_000_000


def test_evenings_are_busier_than_nights():
    """In UTC, over one day: 20 h against 8 h."""
    midnight = START_US - START_US % 86_400_000_000
    ticks = Pace(2, midnight, 86_400).ticks()
    hours = Counter((at - midnight) // 3_600_000_000 for tick in ticks for at in tick.times_us)
    assert hours.total() == 172_800
    assert 4 < hours[20] / hours[8] < 7


def test_a_run_without_end_goes_on_at_the_days_mean():
    """It is asked for a few ticks only."""
    ticks = Pace(1_000, START_US).ticks()
    events = sum(len(next(ticks).times_us) for _ in range(600))
    assert 300 * 60 < events < 1_700 * 60
