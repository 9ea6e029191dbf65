"""S3 servers for tests: moto inside the process, and versitygw, a real one that can be killed."""

import logging
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moto.server import ThreadedMotoServer
from sinks.real_servers import versitygw

from dataflow.demo.broker.child_process import start_child

VERSITYGW = versitygw()
NO_VERSITYGW = "needs versitygw: make servers"

ACCESS_KEY, SECRET_KEY = "testaccess", "testsecret"


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto on a free port; give its URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class Versitygw:
    """An S3 server that keeps objects as files in a folder; it goes when the tests go."""

    def __init__(self, folder: Path, *options: str, scheme: str = "http") -> None:
        self._folder, self._options = folder, options
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port = held.getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.secret = SECRET_KEY
        """The one that it takes."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        assert VERSITYGW
        self._process = start_child(
            [VERSITYGW, "--quiet", "--port", f"127.0.0.1:{self.port}", *self._options,
             "posix", str(self._folder)],
            env={**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": self.secret},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("versitygw does not listen after 30 s")

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
