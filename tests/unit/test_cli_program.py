"""The command line as a whole: quick to answer, and it teaches."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from dataflow import __version__
from dataflow.cli import program

COMMANDS = (*(command.__name__ for command in program.COMMANDS), *program.GROUPS, *program.DEMO_COMMANDS)
HEAVY = ("faust", "aiokafka", "pydantic", "rich.console", "aiohttp", "msgspec", "numpy")


def dataflow(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with this environment and no other setting."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", *arguments],
        capture_output=True,
        text=True,
        env={**inherited, **environment},
        check=False,
        timeout=60,
    )


def test_help_loads_nothing_heavy():
    """It answers within 0.3 s because of this; the clock of a busy machine would prove nothing."""
    code = (
        "import sys, dataflow.cli\n"
        "sys.argv = ['dataflow', '--help']\n"
        "try: dataflow.cli.main()\n"
        "finally: print(sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example_of_its_own_command(command):
    """An example teaches more than a list of options."""
    told = dataflow(command, "--help").stdout
    _, _, examples = told.partition("Example:")
    assert f"dataflow {command}" in examples.partition("Options:")[0]


def test_the_list_has_a_whole_line_for_every_command():
    """A summary cut off with dots says nothing."""
    listed = dataflow("--help").stdout.partition("Commands:")[2]
    assert all(command in listed for command in COMMANDS)
    assert "..." not in listed


def test_settings_go_into_a_pipe_as_json_with_their_source():
    """A script can ask for what a worker would run with."""
    shown = json.loads(dataflow("settings", DATAFLOW_CHECKPOINT_MS="50").stdout)
    assert shown["DATAFLOW_CHECKPOINT_MS"] == {"value": 50, "source": "DATAFLOW_CHECKPOINT_MS"}
    assert shown["DATAFLOW_BATCH_RECORDS"] == {"value": 2000, "source": "default"}


def test_settings_mask_the_password():
    """The output is made to be sent to somebody."""
    done = dataflow(
        "settings",
        DATAFLOW_BROKER="a:1",
        DATAFLOW_BROKER_SECURITY="sasl_plaintext",
        DATAFLOW_BROKER_USERNAME="reader",
        DATAFLOW_BROKER_PASSWORD="hush",
    )
    assert json.loads(done.stdout)["DATAFLOW_BROKER_PASSWORD"]["value"] == "********"
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["worker", "broker", "topics", "tables", "settings", "demo"])
def test_faulty_settings_end_every_command_before_it_begins(command):
    """One line a fault, no traceback, exit code 2."""
    done = dataflow(command, DATAFLOW_WEB_PORT="x", DATAFLOW_ROLE="boss")
    assert done.returncode == 2
    said = json.loads(done.stderr)["message"] if command == "worker" else done.stderr
    assert said.splitlines() == [
        (
            "DATAFLOW_ROLE is 'boss'; expected all, enrich, ingest, sink-postgres, sink-csv, sink-s3 "
            "or sink-opensearch"
        ),
        "DATAFLOW_WEB_PORT is 'x'; expected a whole number of at least 1 and at most 65535",
    ]


@pytest.mark.parametrize("command", [["topics"], ["produce", "expedia", "-"]])
def test_without_a_broker_the_next_step_is_named(command, tmp_path):
    """Nothing runs on a fresh folder; the message says what to start."""
    done = dataflow(*command, DATAFLOW_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "expected `dataflow broker` to run, or DATAFLOW_BROKER" in done.stderr


def test_without_a_worker_the_next_step_is_named():
    """Port 1 has no listener anywhere."""
    done = dataflow("tables", DATAFLOW_WEB_PORT="1")
    assert done.returncode == 1
    assert "`dataflow demo` or `dataflow worker`" in done.stderr


def test_the_version_is_told():
    """The first question of whoever answers a report."""
    assert dataflow("--version").stdout == f"dataflow {__version__}\n"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["demo"], "'{folder}' cannot be used"),
        (["demo", "--once"], "'{folder}' cannot be used"),
        (["demo", "/etc/hostname"], "'{folder}' cannot be used"),
        (["broker"], "{folder}"),
    ],
)
@pytest.mark.parametrize("folder", ["/proc/nope", "/dev/null"])
def test_a_folder_that_cannot_be_is_told_in_a_line(command, expected, folder):
    """It was a traceback of fifteen lines."""
    done = dataflow(*command, DATAFLOW_DATA_DIR=folder)
    assert done.returncode == 2
    assert expected.format(folder=folder) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        (["tabels"], "did you mean 'tables'?"),
        (["apply", "filtre"], "did you mean 'filter'?"),
        (["formats", "clodflare"], "did you mean 'cloudflare'?"),
        (["ingest", "x", "--as", "acces-logs"], "did you mean 'access-logs'?"),
        (["demo", "x", "--as", "acces-logs"], "did you mean 'access-logs'?"),
        (["generate", "bokings"], "did you mean 'bookings'?"),
        (["acl", "enrch"], "did you mean 'enrich'?"),
        (["doctor", "--role", "enrch"], "did you mean 'enrich'?"),
        (["dead-letters", "list", "--reason", "notjson"], "did you mean 'not_json'?"),
        (["dead-letters", "replay", "--reason", "notjson"], "did you mean 'not_json'?"),
    ],
)
def test_what_was_meant_is_told(command, meant):
    """Of a closed set there is nothing to guess: an unknown reason listed nothing, and looked like none."""
    done = dataflow(*command)
    assert done.returncode == 2
    assert meant in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["topics"],
        ["dead-letters", "list"],
        ["audit"],
        ["rules", "show"],
        ["ingest", "x", "--as", "bookings"],
        ["produce", "expedia", "/etc/hostname"],
    ],
)
def test_a_broker_that_is_away_is_told_in_one_line(command):
    """Lines of the Kafka client stood above it, which are for a log."""
    done = dataflow(*command, DATAFLOW_BROKER="127.0.0.1:1")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("no broker can be reached at 127.0.0.1:1: nobody listens")


def test_a_principal_is_one_word_of_the_shell():
    """The quote in a name ended the one around it, and what came behind was run."""
    name = "User:CN=o'brien; touch x"
    done = dataflow("acl", "enrich", "--principal", name, "--format", "shell")
    for line in done.stdout.splitlines():
        words = shlex.split(line)
        assert words[words.index("--allow-principal") + 1] == name


def test_only_the_role_is_put_into_a_principal():
    """Other braces were a traceback."""
    done = dataflow("acl", "enrich", "--principal", "User:CN={role},OU={team}", "--format", "json")
    assert json.loads(done.stdout)["enrich"]["principal"] == "User:CN=enrich,OU={team}"
