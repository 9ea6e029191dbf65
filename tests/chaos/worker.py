"""A worker process: environment in; one that can be killed, frozen, ended and asked, with its log, out."""

import json
import os
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from chaos.killable import Killable
from chaos.waiting import wait_until

TESTS = Path(__file__).parents[1]
CLOCK = Path(__file__).with_name("clock")
ASK_SECONDS = 10
LOG_LINES = 40  # shown when a test fails


class Worker(Killable):
    """One `faust -A APP worker` after another on one port, with one folder and log for all of them."""

    def __init__(
        self, folder: Path, port: int, environment: Mapping[str, str], app: str = "dataflow.app"
    ) -> None:
        super().__init__(folder)
        self.port = port
        self.app = app
        self.launcher: list[str] = []
        """A command that the worker is started by, such as prlimit."""
        self.python = sys.executable
        """What runs it: that of another release has its own."""
        self.environment = {
            # What the developer has set is for his own worker.
            **{name: value for name, value in os.environ.items() if not name.startswith("DATAFLOW_")},
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(TESTS.parent), str(TESTS), str(CLOCK), os.environ.get("PYTHONPATH")])
            ),
            "CHAOS_CLOCK": str(folder / "clock"),
            "DATAFLOW_DRAIN_SECONDS": "0",
            **environment,
            "DATAFLOW_WEB_PORT": str(port),
            "DATAFLOW_DATA_DIR": str(folder / "data"),
            "DATAFLOW_LOCAL_STORE_SECONDS": "2",
        }

    @property
    def local_store(self) -> Path:
        """The folder of its local store."""
        return self.folder / "data" / "faust" / "tables"

    def move(self, port: int) -> None:
        """Have it serve on another port from its next start on."""
        self.port = port
        self.environment["DATAFLOW_WEB_PORT"] = str(port)

    def start(self) -> "Worker":
        """Start the process and return at once."""
        faust = [self.python, "-m", "faust"]
        command = [*self.launcher, *faust, "-A", self.app, "--loop", "uvloop", "worker", "-l", "info"]
        self.run(command, self.environment)
        return self

    def set_clock(self, seconds: int) -> None:
        """Set its wall clock so far ahead; back if it is less than 0."""
        new = self.folder / "clock.new"
        new.write_text(str(seconds))
        new.rename(self.environment["CHAOS_CLOCK"])

    def wait_exit(self, seconds: float = 60) -> int:
        """Return its exit code once it has ended."""
        wait_until(lambda: self.process.poll() is not None, seconds, lambda: f"exit of {self.tail()}")
        return self.process.returncode

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self.terminate()
        return self.wait_exit()

    def clear_away(self) -> None:
        """Leave nothing running, whatever state it is in."""
        if hasattr(self, "process") and self.process.poll() is None:
            self.kill()

    def said(self) -> str:
        """Return its log."""
        return self.log.read_text(errors="replace")

    def tail(self) -> str:
        """Return the end of its log, for the message of a failed test."""
        state = self.process.poll()
        lines = "\n".join(self.said().splitlines()[-LOG_LINES:])
        return f"{self.folder.name} on port {self.port} (exit code {state}), whose log ends:\n{lines}"

    @property
    def url(self) -> str:
        """Where it serves."""
        scheme = "https" if "DATAFLOW_WEB_TLS_CERT_FILE" in self.environment else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def _open(self) -> Callable[..., Any]:
        trusted = ssl.create_default_context(cafile=self.environment.get("DATAFLOW_WEB_TLS_CA_FILE"))
        return build_opener(ProxyHandler({}), HTTPSHandler(context=trusted)).open

    def ask(self, path: str, **parameters: str) -> tuple[int, Any]:
        """Return status and JSON of a GET; status 0 when nobody answers."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        try:
            with self._open(f"{self.url}{path}{query}", timeout=ASK_SECONDS) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def is_ready(self) -> bool:
        """Tell whether it says so itself."""
        status, _ = self.ask("/readyz")
        return status == 200

    def wait_ready(self, seconds: float = 60) -> "Worker":
        """Return when it is ready to serve."""

        def ready() -> bool:
            assert self.process.poll() is None, self.tail()
            return self.is_ready()

        wait_until(ready, seconds, lambda: f"readiness of {self.tail()}")
        return self
