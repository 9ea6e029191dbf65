"""Assembly: a worker has the parts of its role, in an order in which each finds what it needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.settings import Role

ASSEMBLED = """
import json
from dataflow.app import app
from dataflow.assembly import assemble
from dataflow.settings import settings

assemble(app, settings())
print(json.dumps({
    "services": [type(child).__name__ for child in app._children],
    "partitions": app.takes_partitions,
    "receives": any(route.resource.canonical == "/ingest" for route in app.web.web_app.router.routes()),
    "answers": any(route.resource.canonical == "/readyz" for route in app.web.web_app.router.routes()),
    "typed": "cdn-logs-filtered" in app.topology.sources,
    "limits": sorted({table.max_keys for table in app.topology.tables}),
    "name": app.conf.id,
}))
"""


def assembled(folder: Path, **variables: str) -> dict[str, object]:
    """Return what a worker with these settings has, before it starts."""
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DATAFLOW_BROKER": "127.0.0.1:9",
        "DATAFLOW_DATA_DIR": str(folder),
        **{f"DATAFLOW_{name.upper()}": value for name, value in variables.items()},
    }
    done = subprocess.run(
        [sys.executable, "-c", ASSEMBLED], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SINKS = {
    "csv_dir": "/tmp",
    "postgres_url": "postgresql://nobody@192.0.2.1/none",
    "s3_bucket": "none",
    "opensearch_url": "http://192.0.2.1:9200",
}
ANSWER = ["LoopDelay", "CertificateWatch", "TopicWatch", "StoredRequests"]
ENRICH = ["Follower", "Follower", "AccessLogParser", "Scaling"]
RECEIVE = ["Receiver", "Simulator"]


@pytest.mark.parametrize(
    ("role", "services", "partitions", "receives"),
    [
        ("all", [*ANSWER, *ENRICH, *RECEIVE, *["SinkRunner"] * 4], True, True),
        ("enrich", [*ANSWER, *ENRICH], True, False),
        ("ingest", [*ANSWER, *RECEIVE, "Observer"], False, True),
        ("sink-csv", [*ANSWER, "SinkRunner", "Observer"], False, False),
        ("sink-postgres", [*ANSWER, "SinkRunner", "Observer"], False, False),
        ("sink-s3", [*ANSWER, "SinkRunner", "Observer"], False, False),
        ("sink-opensearch", [*ANSWER, "SinkRunner", "Observer"], False, False),
    ],
)
def test_a_role_has_its_parts_and_no_other(role, services, partitions, receives, tmp_path):
    """Rules are read before the first batch comes, and every role answers questions."""
    worker = assembled(tmp_path, role=role, **SINKS)
    assert (worker["services"], worker["partitions"]) == (services, partitions)
    assert (worker["receives"], worker["answers"]) == (receives, True)


def test_every_role_is_assembled():
    """A role that the table does not know would be found by the first who starts it."""
    from dataflow.assembly import PARTS

    assert set(PARTS) == set(Role)


def test_settings_reach_what_is_declared_without_them(tmp_path):
    """The name of the app, the limit of tables without one of their own, and the optional agent."""
    plain = assembled(tmp_path)
    assert (plain["name"], plain["limits"], plain["typed"]) == ("dataflow", [1_000, 10_000], False)
    own = assembled(tmp_path, app_id="own", max_keys="7", cdn_parsed="true")
    assert (own["name"], own["limits"], own["typed"]) == ("own", [7, 1_000], True)
