"""Chaos: whatever happens to workers and broker, every event is out once, in order, and counted once."""

import os
from random import Random, SystemRandom

import pytest
from chaos.answers import ask_balances, ask_tables
from chaos.checks import (
    check_balances,
    check_changelogs,
    check_outputs,
    check_tables,
    expected_tables,
    read_outputs,
)
from chaos.compaction import compact
from chaos.feed import Feed
from chaos.torments import break_broker, end, freeze, kill, move, torment
from chaos.troubles import deny_all, deny_topic, grow, set_clock

pytestmark = pytest.mark.long

WORKERS = 3
# Taken out, as the program itself refuses settings that it does not know.
KILLS = int(os.environ.pop("DATAFLOW_CHAOS_KILLS", "4"))
SEED = int(os.environ.pop("DATAFLOW_CHAOS_SEED", "") or SystemRandom().randrange(1_000_000))
EVENTS_PER_SECOND = 800  # of each stream


@pytest.mark.timeout(480 + 30 * KILLS)
def test_nothing_is_lost_doubled_or_miscounted_whatever_is_killed(cluster, capsys):
    """This is the promise; DATAFLOW_CHAOS_SEED repeats a run, DATAFLOW_CHAOS_KILLS=20 makes it long."""
    dice = Random(SEED)
    torments = [kill] * KILLS + [freeze, end, break_broker, move, move, compact]
    torments += [deny_topic, deny_all, grow, set_clock] * max(1, KILLS // 8)
    dice.shuffle(torments)
    with capsys.disabled():
        print(f"\nDATAFLOW_CHAOS_SEED={SEED} DATAFLOW_CHAOS_KILLS={KILLS}")
    feed = Feed(cluster.broker.address, cluster.partitions)
    cluster.start_worker(instance_id="static")
    for _ in range(WORKERS - 1):
        cluster.start_worker()
    feed.start(EVENTS_PER_SECOND)
    for how in torments:
        seconds = torment(cluster, dice, how)
        print(f"{how.__name__}: all partitions move again after {seconds:.1f} s")
    feed.stop()

    cluster.wait_committed(feed.sent, 120)

    expected = expected_tables(feed)
    event_counts_by_stream = [ask_balances(worker) for worker in cluster.workers]
    for worker in cluster.workers:
        check_tables(ask_tables(worker), expected)
    assert [worker.stop() for worker in cluster.workers] == [0] * WORKERS
    check_outputs(read_outputs(cluster), feed)
    kept = cluster.changelogs()
    check_changelogs(kept, feed)
    for event_counts in event_counts_by_stream:
        check_balances(event_counts, feed)
