"""Partition: events that cannot be used become dead letters; too many of them pause the stream."""

import pytest
from partition_bench import MOST, Bench, good, of_size, pass_on, written

from dataflow.errors import InvalidEvent, Reason


async def test_what_cannot_be_used_goes_to_the_dead_letters_and_the_rest_goes_on():
    """Rule 3: in stock Faust a record that cannot be decoded kills the agent (FAUST.md 3)."""
    bench = Bench()
    values = [*good(1), b"", None, b"[]", b"\xff", b'{"kind": 1, "at": 1}', *good(1)]
    await pass_on(bench.deliver(0, values))
    outputs = written(bench.partition.snapshot())
    assert [(topic, number, len(sent)) for topic, number, sent in outputs] == [
        ("output", 1, 2),
        ("dead-letters", 1, 5),
    ]
    assert outputs[1][2] == values[1:-1]
    event_counts = bench.partition.state.event_counts
    assert event_counts.is_balanced
    assert event_counts.dead_lettered.total() == 5


@pytest.mark.parametrize(("limit", "stops"), [(6, False), (5, True)])
async def test_a_run_of_dead_letters_leaves_its_batch_uncommitted(limit: int, stops: bool):
    """Rule 3: nothing of the batch that passes the limit is committed."""
    bench = Bench(dead_letter_max_consecutive=limit)
    await pass_on(bench.deliver(0, [b"no JSON"] * 5))
    assert (bench.partition.position == 5) is not stops
    assert (bench.partition.pause is not None) is stops
    assert bench.bugs == []


async def test_a_stream_that_pauses_reads_nothing_and_keeps_what_was_finished():
    """Its partition takes no memory, and what its agent still does with older batches has no effect."""
    bench = Bench(dead_letter_max_consecutive=5)
    await pass_on(bench.deliver(0, good(3)))
    refused, behind = bench.deliver(3, [b"no JSON"] * 5), bench.deliver(8, good(2))
    await pass_on(refused)
    await pass_on(behind)
    assert (bench.partition.position, bench.counted) == (3, 3)
    assert not bench.partition.can_accept
    bench.partition.on_committed(bench.partition.snapshot())
    assert bench.partition.in_flight_bytes == 0


async def test_what_was_refused_is_accepted_once_somebody_has_said_to_go_on():
    """Else the same batch would pause the stream again for ever; what comes behind it is limited anew."""
    bench = Bench(dead_letter_max_consecutive=5)
    dead = [b"no JSON"] * 5
    await pass_on(bench.deliver(0, dead))
    bench.pauses.end(bench.partition.tp.topic)
    bench.partition = bench.partition.renewed()
    await pass_on(bench.deliver(0, dead))
    assert bench.partition.position == 5
    await pass_on(bench.deliver(5, dead))
    assert bench.partition.position == 5
    assert bench.partition.pause is not None


@pytest.mark.parametrize(("size", "reasons"), [(MOST - 1_000, []), (MOST - 10, [Reason.TOO_LARGE])])
async def test_an_output_larger_than_the_broker_takes_is_a_dead_letter(size: int, reasons: list[Reason]):
    """Rule 3: else one event would fail every checkpoint, for ever."""
    bench = Bench()
    await pass_on(bench.deliver(0, [*good(2), of_size(size), *good(2)]))
    event_counts = bench.partition.state.event_counts
    assert list(event_counts.dead_lettered) == reasons
    assert bench.counted == event_counts.sent == 5 - len(reasons)
    assert event_counts.is_balanced
    assert bench.partition.position == 5


async def test_an_event_larger_than_the_broker_takes_is_a_dead_letter_too():
    """A source may take more than the topics behind it: the dead letter is larger still."""
    bench = Bench()
    await pass_on(bench.deliver(0, [of_size(3 * MOST)]))
    assert bench.bugs == []
    ((topic, _, values),) = written(bench.partition.snapshot())
    assert (topic, len(values[0] or b"")) == ("dead-letters", 3 * MOST)


async def test_a_batch_agent_may_reject_an_event_itself():
    """What only the agent can know to be unusable."""
    bench = Bench()
    batch = bench.deliver(0, good(1))
    async with batch:
        (record_slice,) = batch._slices
        for record in list(record_slice.records):
            batch.reject(record, "agent", InvalidEvent(Reason.UNPARSABLE, "expected better"))
        batch._slices.clear()
        batch.event_counts.received += 1
    assert bench.partition.state.event_counts.dead_lettered == {"unparsable": 1}
