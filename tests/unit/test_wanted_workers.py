"""Wanted workers: enough for the load, never more than needed, and the same share for each."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.wanted_workers import Load, wanted_workers

LOADS = st.builds(
    Load,
    events_per_second=st.floats(0, 1e7),
    lag_records=st.integers(0, 10**10),
    capacity=st.floats(1, 1e6),
    catch_up_seconds=st.floats(1, 86_400),
)
PARTITIONS = st.integers(1, 400)


@given(LOADS, PARTITIONS)
def test_every_worker_gets_the_same_share_and_no_fewer_are_enough(load, partitions):
    """What divides the partitions, above what is needed, and nothing smaller of that kind."""
    workers = wanted_workers(load, partitions)
    to_do = load.events_per_second + load.lag_records / load.catch_up_seconds
    assert partitions % workers == 0
    assert workers == partitions or workers * load.capacity >= to_do * (1 - 1e-9)
    fewer = [count for count in range(1, workers) if partitions % count == 0]
    assert all(count * load.capacity < to_do * (1 + 1e-9) for count in fewer)


@given(LOADS, PARTITIONS, st.floats(0, 1e6), st.integers(0, 10**9), st.floats(1, 10))
def test_more_to_do_never_wants_fewer(load, partitions, rate, lag, factor):
    """An autoscaler that goes down while the load goes up would swing."""
    before = wanted_workers(load, partitions)
    more = replace(load, events_per_second=load.events_per_second + rate, lag_records=load.lag_records + lag)
    assert wanted_workers(more, partitions) >= before
    faster = replace(load, capacity=load.capacity * factor)
    assert wanted_workers(faster, partitions) <= before


@pytest.mark.parametrize(
    ("rate", "lag", "partitions", "workers"),
    [
        (0, 0, 12, 1),
        (50_000, 0, 12, 2),
        (50_001, 0, 12, 3),
        (100_001, 0, 12, 6),  # five would leave one with three partitions, as four do
        (10_000, 7_500_000, 12, 2),  # 300 s for the lag are as much as 25,000/s
        (1_000_000, 0, 12, 12),  # more than partitions would have none to read
        (60_000, 0, 7, 7),
    ],
)
def test_an_example(rate, lag, partitions, workers):
    """As docs/deploy-kubernetes.md explains it, with workers of 25,000 events a second."""
    assert wanted_workers(Load(rate, lag, 25_000, 300), partitions) == workers
