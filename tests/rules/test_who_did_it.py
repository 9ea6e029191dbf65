"""Who did it: what an editor changes over HTTP has the editor's name, also after a restart."""

import json
import time
from http.client import HTTPConnection

import pytest
from chaos.cluster import running_cluster

from dataflow.access.access_file import fingerprint

pytestmark = pytest.mark.long

TOKENS = {"deploy": "0123456789abcdef-deploy", "root": "0123456789abcdef-root"}
ROLES = {"deploy": "edit", "root": "admin"}
NO_CATS = [{"name": "cats", "fieldName": "reqPath", "regex": "cats/.*"}]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return a cluster with one worker that knows two tokens, and nobody else."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "access.toml").write_text(
        "".join(
            f'[tokens.{name}]\nsha256 = "{fingerprint(token).hex()}"\nroles = ["{ROLES[name]}"]\n'
            for name, token in TOKENS.items()
        )
    )
    with running_cluster(folder, access_file=str(folder / "access.toml")) as cluster:
        cluster.start_worker()
        cluster.workers[0].wait_ready()
        yield cluster


@pytest.fixture
def ask(cluster):
    """Return a function that asks the worker as the owner of a token."""

    def ask(who, method, path, content=None, **headers):
        connection = HTTPConnection("127.0.0.1", cluster.workers[0].port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Authorization": f"Bearer {TOKENS[who]}", "Content-Type": "application/json"}
        connection.request(method, path, None if content is None else json.dumps(content), named)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        return response.status, json.loads(raw) if raw else None

    return ask


def test_every_version_has_its_author_and_a_revert_says_so(cluster, ask):
    """Whoever let the cats in again is asked first."""
    first = ask("root", "GET", "/rules")[1]
    assert ask("deploy", "PUT", "/rules", NO_CATS, If_Match='"1"') == (200, {"version": 2})
    assert ask("root", "POST", "/rules/versions/1/revert")[0] == 428
    assert ask("root", "POST", "/rules/versions/1/revert", If_Match='"1"')[0] == 412
    status, told = ask("root", "POST", "/rules/versions/9/revert", If_Match='"2"')
    assert (status, told["error"]) == (
        404,
        "version of the filter rules is 9; expected one that is kept: 0-2",
    )
    assert ask("root", "POST", "/rules/versions/1/revert", If_Match='"2"') == (200, {"version": 3})
    assert ask("root", "GET", "/rules")[1] == ask("deploy", "GET", "/rules/versions/1")[1] == first
    assert ask("deploy", "GET", "/rules/versions/2")[1] == NO_CATS
    assert ask("deploy", "GET", "/rules/versions/9")[0] == 404
    versions = ask("deploy", "GET", "/rules/log")[1]["versions"]
    assert [(one["version"], one["author"], one["reverts"]) for one in versions[:2]] == [
        (3, "token root", 1),
        (2, "token deploy", None),
    ]
    assert versions[2]["author"].startswith("worker on ")
    assert len(ask("deploy", "GET", "/rules/log?limit=1")[1]["versions"]) == 1
    assert ask("deploy", "PUT", "/utm-sources", {"a": "b"}, If_Match='"0"')[0] == 200
    assert ask("deploy", "GET", "/utm-sources/log")[1]["versions"][0]["author"] == "token deploy"
    assert ask("root", "POST", "/utm-sources/versions/0/revert", If_Match='"1"') == (200, {"version": 2})


def test_everything_else_is_in_the_audit_log_before_it_is_done(cluster, ask):
    """Replays, simulations, rebuilt tables and resumed streams leave no other record with a name."""
    assert ask("deploy", "POST", "/dead-letters/replay", {"reason": "not_json", "limit": 5})[0] == 200
    assert ask("deploy", "POST", "/events/simulation?interval=1.5")[0] == 200
    assert ask("deploy", "DELETE", "/events/simulation")[0] == 200
    assert ask("root", "POST", "/streams/expedia/resume")[0] == 200
    assert ask("root", "POST", "/tables/requests_per_status/rebuild?from_now=true")[0] == 200
    assert ask("deploy", "GET", "/audit")[0] == 403
    entries = ask("root", "GET", "/audit")[1]["audit"]
    assert [(one["author"], one["action"], one["details"]) for one in reversed(entries)] == [
        ("token deploy", "replay dead letters", {"reason": "not_json", "limit": 5}),
        ("token deploy", "start simulation", {"interval_seconds": 1.5}),
        ("token deploy", "stop simulation", {}),
        ("token root", "resume stream", {"stream": "expedia"}),
        ("token root", "rebuild table", {"table": "requests_per_status", "from_now": True}),
    ]
    year = str(time.gmtime().tm_year)
    assert all(one["at"].startswith(year) for one in entries)


def test_authors_are_there_after_a_restart(cluster, ask):
    """They are in Kafka, not in a worker."""
    before = ask("root", "GET", "/rules/log"), ask("root", "GET", "/audit")
    assert cluster.workers[0].stop() == 0
    cluster.workers[0].start().wait_ready()
    assert (ask("root", "GET", "/rules/log"), ask("root", "GET", "/audit")) == before
