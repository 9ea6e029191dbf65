"""Scaling: what one worker can do is measured while it is busy, and only by the partitions that it kept."""

import pytest
from faust.types import TP

from dataflow.web.scaling import MEASURED_CAPACITY, WEIGHT, CapacityMeter

A, B = TP("expedia", 0), TP("expedia", 1)


@pytest.fixture
def meter() -> CapacityMeter:
    """Return a meter that has begun at second 0, with nothing received of one partition."""
    meter = CapacityMeter()
    meter.measure({A: 0}, cpu=0.0, clock=0.0)
    meter.capacity = MEASURED_CAPACITY
    return meter


def test_a_busy_worker_is_measured(meter):
    """The average moves towards it, so that one odd measurement does not scale a cluster."""
    meter.measure({A: 100_000}, cpu=2.0, clock=4.0)
    assert meter.capacity == pytest.approx(MEASURED_CAPACITY + WEIGHT * (50_000 - MEASURED_CAPACITY))


@pytest.mark.parametrize(
    ("received", "cpu"),
    [({A: 100}, 0.5), ({A: 0}, 4.0), ({A: -5}, 4.0)],
    ids=["idle", "busy with something else", "read again"],
)
def test_nothing_is_learnt_of_one_that_is_not(meter, received, cpu):
    """At night a worker spends its CPU on other things than events: it would seem slow."""
    meter.measure(received, cpu=cpu, clock=4.0)
    assert meter.capacity == MEASURED_CAPACITY


def test_a_partition_that_has_come_is_not_counted(meter):
    """All that another worker has received of it would seem to be done in a moment."""
    meter.measure({A: 10_000, B: 10**9}, cpu=1.0, clock=1.0)
    assert meter.capacity == pytest.approx(MEASURED_CAPACITY + WEIGHT * (10_000 - MEASURED_CAPACITY))
    meter.measure({B: 10**9 + 10_000}, cpu=2.0, clock=2.0)
    assert meter.capacity < MEASURED_CAPACITY
