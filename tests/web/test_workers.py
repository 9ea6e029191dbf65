"""Several workers: any answers for all, and says what is missing while one is away."""

import pytest
from expected_stays import expected_stay_counts
from harness.web_events import SENT
from harness.workers import has_received

pytestmark = pytest.mark.long

LETTERS = "dead-letters"
PATHS = [
    "/tables/stays_per_category",
    "/tables/stays_per_category?window=day&merge=true",
    "/tables/requests_per_endpoint?window=minute&top=5&order=bytes",
    "/tables/requests_per_endpoint//images/jordan-80.png?window=day",
    "/tables/views_per_page?window=hour",
    "/tables/views_per_source_category",
    "/streams",
]


def counts_of(reply):
    """Return what is counted, without what may differ from one moment to the next."""
    counts = {name: value for name, value in reply.json.items() if name != "lag"}
    for name in counts.keys() & {"streams", "details", "partitions"}:
        counts[name] = {topic: value for topic, value in counts[name].items() if topic != LETTERS}
    return counts


def dead_letters(worker):
    """Return what a worker counts of the dead letters."""
    return worker.get("/streams").json["streams"][LETTERS]


@pytest.fixture
def three(start_worker):
    """Return three workers that have counted all together; by name: one that is killed is missed."""
    workers = [start_worker(instance_id=f"worker-{number}") for number in range(3)]
    for worker in workers:
        worker.wait_ready()
    for worker in workers:
        worker.wait_counted(SENT)
    return workers


def test_three_workers_answer_as_one(three, worker):
    """Whoever is asked, and however the partitions are shared."""
    for path in PATHS:
        one = counts_of(worker.get(path))
        assert [counts_of(each.get(path)) for each in three] == [one, one, one], path
    # Every app on this broker writes to one topic of dead letters, which all count: it grows for a while.
    worker.wait_for(
        "/streams", lambda one: all(dead_letters(each) == one.json["streams"][LETTERS] for each in three)
    )


def test_what_a_killed_worker_had_is_missing_and_then_whole_again(three):
    """An answer never passes a part off as the whole."""
    killed, asked, _ = three
    killed.kill()
    partial = asked.wait_for("/streams", missing)
    streams = partial.json["streams"]
    assert all(streams[stream]["received"] <= count for stream, count in SENT.items())
    assert not has_received(partial, SENT)
    whole = asked.wait_for(
        "/streams", lambda reply: reply.status == 200 and not missing(reply) and has_received(reply, SENT)
    )
    assert whole.status == 200
    stays = asked.get("/tables/stays_per_category").json["windows"][0]["entries"]
    assert {stay["key"]: stay["count"] for stay in stays} == {
        key: stay["count_all"] for key, stay in expected_stay_counts().items()
    }


def missing(reply):
    """Return the partitions that are not in the answer."""
    return [n for stream in reply.json.get("partitions", {}).values() for n in stream["missing"]]
