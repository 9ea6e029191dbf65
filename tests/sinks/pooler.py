"""A pooler between a test and its PostgreSQL: pgbouncer, with another connection of the server each time."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sinks.postgres_server import PostgresServer

from dataflow.demo.broker.child_process import start_child

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
NO_PGBOUNCER = "needs pgbouncer (Debian: apt install pgbouncer)"

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
server_round_robin = 1
"""


@contextmanager
def pgbouncer(server: PostgresServer, connections: int = 3, options: str = "") -> Iterator[int]:
    """Run one in transaction pooling, with so many connections to each database; give its port.

    `options` are further lines of its file.
    """
    assert PGBOUNCER
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = server.folder / "pooler"  # its user may read it
    folder.mkdir(exist_ok=True)
    users, file = folder / "users", folder / "pgbouncer.ini"
    users.write_text('"postgres" ""\n')
    lines = CONFIGURATION.format(server_port=server.port, port=port, users=users, connections=connections)
    file.write_text(lines + options)
    with (folder / "log").open("ab") as log:
        process = start_child([*_as_user(server), PGBOUNCER, str(file)], cwd="/", stdout=log, stderr=log)
    try:
        _wait_until_it_listens(process, port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _as_user(server: PostgresServer) -> list[str]:
    """Return what makes it another user, who may read its files: it refuses to run as root."""
    if os.getuid():
        return []
    return [*server.as_user(), "setpriv", "--pdeathsig", "KILL"]


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(log.read_text())
