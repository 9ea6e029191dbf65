"""`dataflow worker`: a mistake that would show in use ends it before it begins, with one line."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ACCESS_LOG_FORMAT": "%h %Q"}, "log format has '%Q' at column 4; expected a directive of Apache"),
        ({"GEOIP_CITY": __file__}, f"{__file__} is not readable; expected a GeoIP database"),
        ({"ACCESS_FILE": __file__}, f"access file {__file__} cannot be used: Expected"),
        ({"WEB_TLS_CERT_FILE": __file__}, "DATAFLOW_WEB_TLS_KEY_FILE is not set; expected a file"),
        ({"WEB_PLAIN_PORT": "6067"}, "DATAFLOW_WEB_TLS_CERT_FILE is not set; expected a file"),
        (
            {"WEB_TLS_CERT_FILE": __file__, "WEB_TLS_KEY_FILE": __file__},
            f"file {__file__} cannot be used: ",
        ),
        (
            {"WEB_HOST": "0.0.0.0", "OPEN_ROLES": "metrics"},
            "DATAFLOW_WORKER_SECRET is not set; expected the same secret",
        ),
        (
            {"WEB_HOST": "0.0.0.0", "WORKER_SECRET": "x" * 16},
            "DATAFLOW_WEB_HOST is '0.0.0.0', which others reach; expected DATAFLOW_ACCESS_FILE",
        ),
        ({"OPEN_ROLES": "boss"}, "DATAFLOW_OPEN_ROLES: role is 'boss'; expected metrics, send, read"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(variables: dict[str, str], told: str, tmp_path):
    """No broker is asked, and nothing has started that would have to end."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    own = {f"DATAFLOW_{name}": text for name, text in variables.items()}
    done = subprocess.run(
        [sys.executable, "-m", "dataflow", "worker"],
        env={**others, "DATAFLOW_BROKER": "127.0.0.1:9", "DATAFLOW_DATA_DIR": str(tmp_path), **own},
        capture_output=True,
        check=False,
        timeout=60,
    )
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert told in said
    assert len(said.splitlines()) == 1
    assert (json.loads(said)["level"], told in json.loads(said)["message"]) == ("error", True)


def test_who_asks_for_plain_lines_gets_them(tmp_path):
    """A person who reads a file does not want JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "dataflow", "worker"],
        env={**os.environ, "DATAFLOW_LOG_FORMAT": "console", "DATAFLOW_WEB_PORT": "0"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stderr.decode().startswith("DATAFLOW_WEB_PORT is '0'; expected")


@pytest.mark.parametrize("streams", ["", "bookings,cdn-logs"])
def test_a_worker_runs_on_uvloop_whatever_its_settings_import(streams: str, tmp_path):
    """Reading DATAFLOW_STREAMS imports the streams and so Faust, which settles the event loop by itself.

    A worker of some streams ran on asyncio's own loop, at a fifth more CPU, without a word.
    """
    program = """
import sys
from mode.worker import Worker
Worker.execute_from_commandline = lambda worker: print(type(worker.loop).__module__)
sys.argv[:] = ["dataflow", "worker"]
from dataflow.__main__ import main
main()
"""
    others = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    chosen = {"DATAFLOW_BROKER": "127.0.0.1:9", "DATAFLOW_DATA_DIR": str(tmp_path)}
    chosen |= {"DATAFLOW_STREAMS": streams} if streams else {}
    done = subprocess.run(
        [sys.executable, "-c", program], env=others | chosen, capture_output=True, check=False, timeout=60
    )
    assert done.stdout.decode() == "uvloop\n", done.stderr.decode()
