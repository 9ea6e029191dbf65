"""Queries to several workers: each answers for the cluster, and says what is missing."""

from functools import partial

import pytest
from chaos.answers import ask_balances, ask_tables, ask_whole
from chaos.checks import check_balances, check_tables, expected_tables
from chaos.counts import tables_of, windows_of
from chaos.feed import Feed
from chaos.waiting import wait_until
from harness.pages import every_page

pytestmark = pytest.mark.long

WORKERS = 3


@pytest.fixture
def counted(cluster):
    """Return a cluster whose three workers all own partitions and have counted the samples, and the feed."""
    cluster.environment["DATAFLOW_SESSION_TIMEOUT_MS"] = "6000"  # time to ask before it is over
    feed = Feed(cluster.broker.address)
    for number in range(WORKERS):  # by name: nobody takes them out before
        cluster.start_worker(instance_id=f"worker-{number}")
    wait_until(lambda: cluster.owners() == WORKERS, 60, lambda: f"three owners; {cluster.tails()}")
    feed.play_samples()
    cluster.wait_committed(feed.sent)
    return cluster, feed


def test_each_of_three_workers_gives_the_same_whole_answer(counted):
    """A load balancer asks any of them."""
    cluster, feed = counted
    expected = expected_tables(feed)

    for worker in cluster.workers:
        check_tables(ask_tables(worker), expected)
        event_counts_by_stream = ask_balances(worker)

        check_balances(event_counts_by_stream, feed)


def test_with_a_worker_just_killed_answers_name_what_is_missing_until_it_is_taken_over(counted):
    """An answer that looks complete and is not would be believed."""
    cluster, feed = counted
    killed, asked, _ = cluster.workers

    killed.kill()
    torn = every_page(partial(ask_anything, asked), "stays_per_category", "day")

    answered, missing = torn["partitions"]["answered"], torn["partitions"]["missing"]
    assert missing
    assert sorted(answered + missing) == [0, 1, 2, 3]
    only = tables_of(feed.outcomes(("expedia", partition)) for partition in answered)[0]["stays_per_category"]
    assert windows_of({"day": torn["windows"]}) == {"day": only["day"]}
    whole = every_page(partial(ask_whole, asked), "stays_per_category", "day")
    expected = expected_tables(feed)
    assert windows_of({"day": whole["windows"]}) == {"day": expected["stays_per_category"]["day"]}
    for worker in cluster.workers[1:]:
        check_tables(ask_tables(worker), expected)


def test_a_frozen_worker_does_not_hold_up_the_answer_of_another(counted):
    """It accepts the question and never answers: the deadline of the query is what helps."""
    cluster, _ = counted
    frozen, asked, _ = cluster.workers

    frozen.freeze()
    status, torn = asked.ask("/tables/stays_per_category")

    assert status == 200, torn
    assert torn["partitions"]["missing"]


def ask_anything(worker, address):
    """Return an answer, whatever is missing in it."""
    status, answer = worker.ask(address)
    assert status == 200, answer
    return answer
