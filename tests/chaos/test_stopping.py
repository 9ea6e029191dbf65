"""Stopping: SIGTERM under load, and what must not run at all."""

import pytest
from chaos.checks import check_changelogs, check_outputs, read_outputs
from chaos.feed import Feed
from chaos.waiting import wait_until
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

pytestmark = pytest.mark.long

SHUTDOWN_SECONDS = 10  # the setting's default


def test_a_worker_under_load_ends_in_time_and_has_committed_what_is_out(cluster):
    """Every deployment stops every worker; the next one must find all in order."""
    feed = Feed(cluster.broker.address)
    worker = cluster.start_worker()
    feed.start(5_000)
    cluster.wait_moving()

    worker.terminate()
    code = worker.wait_exit(SHUTDOWN_SECONDS)

    feed.stop()
    assert code == 0, worker.tail()
    at = cluster.committed()
    assert any(at[place] < sent for place, sent in feed.sent.items()), "the load has ended before the worker"
    feed.sent = at
    check_outputs(read_outputs(cluster), feed)
    check_changelogs(cluster.changelogs(), feed)


def test_workers_that_are_ended_together_all_end_well(cluster):
    """The first to leave makes the others rebalance, and they are asked to end amid that."""
    workers = [cluster.start_worker() for _ in range(3)]
    for worker in workers:
        worker.wait_ready()

    codes = [worker.stop() for worker in workers]

    assert codes == [0, 0, 0], cluster.tails()


def test_offsets_moved_by_hand_under_a_table_pause_that_stream_alone(cluster):
    """The tables would count events twice or not at all, and nobody would know."""
    feed = Feed(cluster.broker.address)
    worker = cluster.start_worker()
    feed.play_samples()
    cluster.wait_committed(feed.sent)
    assert worker.stop() == 0
    counted = feed.sent["expedia", 0]
    _move_offset(cluster, TopicPartition("expedia", 0, 5))

    worker.start()
    told = f"committed offset of expedia/0 is 5; expected {counted}"
    wait_until(lambda: told in worker.said(), 60, worker.tail)
    feed.play_samples()

    cluster.wait_committed({tp: end for tp, end in feed.sent.items() if tp[0] != "expedia"})
    assert cluster.committed()["expedia", 0] == 5
    assert worker.stop() == 0


def _move_offset(cluster, to):
    admin = AdminClient({"bootstrap.servers": cluster.broker.address})
    [moved] = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions("dataflow", [to])]).values()
    moved.result()


def test_a_second_worker_on_the_same_port_says_so_and_ends(cluster):
    """Half started, it would take partitions and answer for none of them."""
    first = cluster.start_worker().wait_ready()

    second = cluster.start_worker(port=first.port)

    assert second.wait_exit() not in (0, -9)
    told = f"DATAFLOW_WEB_PORT is {first.port} (Address already in use); expected a port that is free"
    assert told in second.said(), second.tail()
    assert "Traceback" not in second.said()
    assert first.is_ready()
    assert "fenced" not in first.said().lower()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dead_letter_max_ratio": "2"}, "DATAFLOW_DEAD_LETTER_MAX_RATIO is '2'; expected"),
        ({"filter_rules": "/nowhere"}, "DATAFLOW_FILTER_RULES is '/nowhere'; expected a file"),
    ],
)
def test_a_worker_with_wrong_settings_says_which_and_does_not_start(cluster, settings, message):
    """A stack trace sends an operator into our code; the name of the setting sends him to his."""
    worker = cluster.start_worker(**settings)

    assert worker.wait_exit() not in (0, -9)
    assert message in worker.said()
