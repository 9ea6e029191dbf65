"""Imports: they declare and do nothing else, whatever the environment, without broker and network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT_ALL = """
import importlib, pkgutil, socket, threading

def refuse(*_, **__):
    raise AssertionError("an import has opened a socket, or has configured the app")

socket.socket.__init__ = refuse

import agents, dataflow, models, tables
from dataflow.engine.app import App

App.connect = App.finalize = refuse
for package in (agents, dataflow, models, tables):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
assert threading.active_count() == 1, threading.enumerate()
print(len(dataflow.app.app.agents), len(dataflow.app.app.topology.tables))
"""

ENVIRONMENTS = {
    "empty": {},
    "no broker runs": {"DATAFLOW_BROKER": "embedded"},
    "nobody there": {"DATAFLOW_BROKER": "127.0.0.1:9"},
    "broken": {"DATAFLOW_CHECKPOINT_MS": "x", "DATAFLOW_NONSENSE": "1", "DATAFLOW_ROLE": "none"},
    "no such file": {"DATAFLOW_GEOIP_CITY": "/no/such/file", "DATAFLOW_ACCESS_LOG_FORMAT": "%Q"},
    "a role whose sink is not configured": {"DATAFLOW_ROLE": "sink-postgres"},
}


def run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter in an empty folder with only these variables."""
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2]), **variables}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_every_module_is_imported_without_settings_broker_and_network(variables, tmp_path):
    """Tools, tests and commands that only list need none of the three."""
    done = run("-c", IMPORT_ALL, folder=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["7", "12"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "module", ["agents.type_cdn_logs", "dataflow.assembly", "dataflow.web.routes", "tables.top_clients"]
)
def test_a_module_needs_no_other_to_be_imported_first(module, tmp_path):
    """Whoever reads one file may begin there."""
    assert run("-c", f"import {module}", folder=tmp_path).stderr == ""


def faust(command: str, folder: Path) -> str:
    """Return what a command of Faust prints without a broker."""
    script = Path(sys.executable).with_name("faust")  # its path has neither our folder nor the current one
    done = run(str(script), "-A", "dataflow.app", command, folder=folder, PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_faust_lists_all_agents(tmp_path):
    """Also the one that only some settings switch on."""
    listed = faust("agents", tmp_path)
    for agent in (
        "categorize_stays", "categorize_views", "count_dead_letters", "count_events",
        "filter_cdn_logs", "parse_access_logs", "type_cdn_logs",
    ):  # fmt: skip
        assert f"@agents.{agent}.{agent}" in listed
    assert "cdn-logs-filtered" in listed


def test_faust_lists_all_windowed_tables_with_what_they_count(tmp_path):
    """Faust knows its own tables only; ours are the engine's."""
    listed = faust("tables", tmp_path)
    for table in (
        "dead_letters_per_reason", "events_per_type", "requests_per_country", "requests_per_endpoint",
        "requests_per_kind", "requests_per_referer", "requests_per_site", "requests_per_status",
        "stays_per_category", "top_clients", "views_per_page", "views_per_source_category",
    ):  # fmt: skip
        assert f" {table} " in listed
    assert "Counts cdn-logs and access-logs by country; windows: minute, hour, day, all." in listed


def test_faust_lists_all_models(tmp_path):
    """Those that only sinks and documents use, too."""
    listed = faust("models", tmp_path)
    for model in (
        "access_log_entry.AccessLogEntry", "analytics_event.AnalyticsEvent", "booking.Booking",
        "cdn_log.CdnLog", "cdn_log_entry.CdnLogEntry", "dead_letter.DeadLetter", "page_view.PageView",
        "stay.Stay",
    ):  # fmt: skip
        assert f"models.{model} " in listed


def test_a_worker_without_a_broker_says_what_to_do(tmp_path):
    """In one line, by the command of ours; nothing has started that would have to end."""
    done = run("-m", "dataflow", "worker", folder=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["message"].endswith(
        "expected `dataflow broker` to run, or DATAFLOW_BROKER to name another one"
    )


def test_settings_are_read_without_loading_faust(tmp_path):
    """It takes half a second of CPU, and most commands only ask a broker or a worker."""
    read = "import sys; from dataflow.settings import settings; settings(); print('faust' in sys.modules)"
    assert run("-c", read, folder=tmp_path).stdout == "False\n"
