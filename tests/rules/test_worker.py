"""Rules and dead letters in a worker at work: changed, tried and sent back over HTTP."""

import json
from http.client import HTTPConnection

import pytest
from chaos.cluster import running_cluster
from chaos.waiting import wait_until

from dataflow.demo.samples import sample_filter_rules

NO_CATS = [{"name": "cats", "fieldName": "reqPath", "regex": "cats/.*"}]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return a cluster with one worker, for all tests of this file, in their order."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.kafka.create_topics("cdn-errors", partitions=2)
        cluster.start_worker()
        cluster.workers[0].wait_ready()
        yield cluster


@pytest.fixture
def ask(cluster):
    """Return a function that asks the worker."""

    def ask(method, path, content=None, **headers):
        connection = HTTPConnection("127.0.0.1", cluster.workers[0].port, timeout=60)
        body = None if content is None else json.dumps(content)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        return response.status, json.loads(raw) if raw else None, response.headers

    return ask


def line(path, **more):
    """Return a CDN log line."""
    return json.dumps({"reqTimeSec": "1600000000", "reqPath": path, "statusCode": "200"} | more).encode()


def passed(cluster, topic, count):
    """Return path and version header of what has come out, when it is so many."""

    def read():
        found = cluster.kafka.read_topic(topic)
        return found if len(found) >= count else None

    found = wait_until(read, 30, f"{count} lines in {topic}")
    return sorted((json.loads(r.value)["reqPath"], dict(r.headers).get("dataflow-rules")) for r in found)


def test_it_begins_with_the_rules_of_the_file(cluster, ask):
    """They are version 1, as they stand in the file."""
    status, rules, headers = ask("GET", "/rules")
    assert (status, headers["ETag"]) == (200, '"1"')
    assert rules == json.loads(sample_filter_rules().read_bytes())
    assert ask("GET", "/rules", If_None_Match='"1"')[0] == 304


def test_a_change_is_in_use_when_it_is_answered_and_is_named_on_what_it_lets_pass(cluster, ask):
    """Lines before and after it, by the rules of their time."""
    cluster.kafka.produce("cdn-logs", [line("cats/1"), line("favicon.ico")])
    assert passed(cluster, "cdn-logs-filtered", 1) == [("cats/1", b"1")]
    status, told, headers = ask("PUT", "/rules", NO_CATS, If_Match='"1"')
    assert (status, told, headers["ETag"]) == (200, {"version": 2}, '"2"')
    cluster.kafka.produce("cdn-logs", [line("cats/2"), line("dogs")], headers=[("dataflow-rules", b"x")])
    assert passed(cluster, "cdn-logs-filtered", 2) == [("cats/1", b"1"), ("dogs", b"2")]
    assert ask("GET", "/rules")[1] == NO_CATS


@pytest.mark.parametrize(
    ("content", "if_match", "status", "message"),
    [
        (NO_CATS, None, 428, "If-Match is missing; expected the ETag"),
        (NO_CATS, '"1"', 412, "version of the filter rules is 2; expected 1"),
        (NO_CATS, "2", 412, "If-Match is '2'; expected an ETag"),
        (
            [{"fieldName": "f", "regex": "("}],
            '"2"',
            400,
            "filter rules: rule 1: regex is '('; expected one that",
        ),
        ({"outputs": [{"name": "a", "topic": "nowhere"}]}, '"2"', 400, "'nowhere'; expected one that exists"),
        (
            {"outputs": [{"name": "a", "topic": "expedia"}]},
            '"2"',
            400,
            "expected one that nothing else is for",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ask, content, if_match, status, message):
    """With the status that says what to do."""
    headers = {} if if_match is None else {"If_Match": if_match}
    answered, told, _ = ask("PUT", "/rules", content, **headers)
    assert answered == status
    assert message in told["error"]
    assert ask("GET", "/rules")[2]["ETag"] == '"2"'


def test_outputs_have_their_own_topics(cluster, ask):
    """Made before the rules, not before the worker."""
    outputs = [
        {
            "name": "errors",
            "topic": "cdn-errors",
            "rules": [{"keep": {"field": "statusCode", "at_least": 500}}],
        },
        {"name": "all", "topic": "cdn-logs-filtered"},
    ]
    assert ask("PUT", "/rules", {"rules": NO_CATS, "outputs": outputs}, If_Match='"2"')[0] == 200
    cluster.kafka.produce("cdn-logs", [line("cats/3"), line("good"), line("bad", statusCode=503)])
    assert passed(cluster, "cdn-errors", 1) == [("bad", b"3")]
    assert passed(cluster, "cdn-logs-filtered", 4)[-2:] == [("dogs", b"2"), ("good", b"3")]


def test_a_trial_changes_nothing(cluster, ask):
    """Of lines, or of what is in a topic."""
    lines = [line("cats/4").decode(), line("dogs").decode(), "broken"]
    tried = ask("POST", "/rules/dry-run", {"rules": NO_CATS, "lines": lines})[1]
    assert (tried["kept"], tried["dropped"], tried["dead_lettered"]) == (1, {"cats": 1}, {"not_json": 1})
    assert tried["examples"] == {"cats": [lines[0]]}
    used = ask("POST", "/rules/dry-run", {"topic": "cdn-logs", "last": 1_000})[1]
    assert (used["lines"], used["dropped"]["cats"]) == (7, 3)
    assert used["outputs"] == {"cdn-errors": 1, "cdn-logs-filtered": 4}
    for wrong in ({}, {"lines": [], "topic": "x"}, {"lines": [1]}, {"topic": "cdn-logs", "last": 0}):
        assert ask("POST", "/rules/dry-run", wrong)[0] == 400
    assert ask("POST", "/rules/dry-run", {"topic": "nowhere"})[0] == 404
    assert ask("POST", "/rules/dry-run", {"topic": "filter-rules"})[0] == 404  # nobody may look at its lines
    assert ask("POST", "/rules/dry-run", {"lines": []}, Sec_Fetch_Site="cross-site")[0] == 403


def test_utm_sources_are_changed_the_same_way(cluster, ask):
    """The map that comes with the program is version 0."""
    _, sources, headers = ask("GET", "/utm-sources")
    assert (sources["google"], headers["ETag"]) == ("search_engine", '"0"')
    assert ask("PUT", "/utm-sources", {"google": ""}, If_Match='"0"')[0] == 400
    assert ask("PUT", "/utm-sources", sources)[0] == 428
    assert ask("PUT", "/utm-sources", sources, If_Match='"7"')[0] == 412
    assert ask("PUT", "/utm-sources", sources | {"tiktok": "social_media"}, If_Match='"0"')[0] == 200
    cluster.kafka.produce("raw-web-events", [b'{"utm_source":"TikTok","page_url_path":"/"}'])
    read = lambda: cluster.kafka.read_topic("enriched-web-events") or None  # noqa: E731 - asked until it is so
    (view,) = wait_until(read, 30, "the page view")
    assert json.loads(view.value)["source_category"] == "social_media"


def test_a_worker_that_is_started_again_has_the_last_rules(cluster, ask):
    """The file it was first started with has no say any more."""
    worker = cluster.workers[0]
    assert worker.stop() == 0
    worker.start().wait_ready()
    assert ask("GET", "/rules")[2]["ETag"] == '"3"'


def test_dead_letters_are_counted_listed_and_sent_back_once(cluster, ask):
    """Sent back they fail again: a second letter, of a second try."""
    cluster.kafka.produce("expedia", [b"broken"], [b"k"], partition=2)
    wait_until(lambda: ask("GET", "/dead-letters")[1]["dead_letters"] or None, 30, "the dead letter")
    (letter,) = ask("GET", "/dead-letters?stage=stay-category&reason=not_json&topic=expedia")[1][
        "dead_letters"
    ]
    place = f"/dead-letters/{letter['partition']}/{letter['offset']}"
    page = ask("GET", place)[1]
    assert (page["value_text"], page["origin"]["partition"], page["tries"]) == ("broken", 2, 0)
    at = letter["at"].replace("+", "%2B")
    for query, count in (
        (f"from={at}", 1),
        (f"to={at}", 0),
        ("stage=filter", 0),
        ("topic=cdn-logs", 0),
        ("reason=empty", 0),
    ):
        assert len(ask("GET", f"/dead-letters?{query}")[1]["dead_letters"]) == count, query
    others = (
        {"reason": "empty"},
        {"stage": "filter"},
        {"topic": "cdn-logs"},
        {"to": letter["at"]},
        {"places": []},
    )
    for other in others:
        assert ask("POST", "/dead-letters/replay", other)[1]["replayed"] == 0, other
    assert ask("POST", "/dead-letters/replay", {"reason": "not_json"})[1]["replayed"] == 1
    assert ask("GET", place)[1]["replayed"] is True

    def twice():
        found = ask("GET", "/dead-letters")[1]["dead_letters"]
        return found if len(found) == 2 else None

    assert [one["tries"] for one in wait_until(twice, 30, "the second try")] == [1, 0]

    def counted():
        windows = ask("GET", "/tables/dead_letters_per_reason?window=day&merge=true")[1].get("windows")
        entries = windows[0]["entries"] if windows else []
        return [(e["key"], e["count"], e["bytes"]) for e in entries if e["count"] == 2] or None

    assert wait_until(counted, 30, "the counts") == [("not_json", 2, 12)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/dead-letters?limit=0", 400),
        ("GET", "/dead-letters?from=soon", 400),
        ("GET", "/dead-letters?sort=at", 400),
        ("GET", "/dead-letters?reason=notjson", 400),
        ("GET", "/dead-letters/0/999", 404),
        ("GET", "/dead-letters/x/1", 400),
        ("PUT", "/dead-letters/replay", 405),
    ],
)
def test_a_wrong_question_is_refused(ask, method, path, status):
    """As everywhere."""
    answered, told, _ = ask(method, path)
    assert answered == status, told
