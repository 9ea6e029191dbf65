"""The broker away for a while: the worker waits, says so, and goes on."""

import pytest
from chaos.checks import check_changelogs, check_outputs, read_outputs
from chaos.feed import Feed
from chaos.waiting import wait_until

pytestmark = pytest.mark.long


def _is_unready(worker):
    assert worker.process.poll() is None, worker.tail()
    status, _ = worker.ask("/readyz")
    return status == 503


@pytest.mark.parametrize(
    "per_second", [pytest.param(1_000, id="under load"), pytest.param(0, id="with nothing to do")]
)
def test_a_worker_waits_for_its_broker_and_loses_nothing(cluster, per_second):
    """A broker is away at each of its updates; nobody wants to start all workers again after it."""
    feed = Feed(cluster.broker.address)
    worker = cluster.start_worker().wait_ready()
    feed.play_samples()
    cluster.wait_committed(feed.sent)
    if per_second:
        feed.start(per_second)
        cluster.wait_moving()

    cluster.broker.kill()
    wait_until(
        lambda: _is_unready(worker), 40, lambda: f"/readyz false while the broker is away; {worker.tail()}"
    )
    assert worker.ask("/healthz")[0] == 200, "only a restart would help, says the worker"
    cluster.broker.start()
    cluster.broker.wait_ready()
    worker.wait_ready(60)

    if per_second:
        cluster.wait_moving()
        feed.stop()
    else:
        feed.play_samples()
    cluster.wait_committed(feed.sent)
    assert worker.stop() == 0, worker.tail()
    check_outputs(read_outputs(cluster), feed)
    check_changelogs(cluster.changelogs(), feed)
