"""The client of commands: what it says of a worker that it cannot talk to, and who sees credentials."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from harness.certificates import Authority

from dataflow.cli.worker_client import NotReady, ask, tell
from dataflow.errors import DataflowError
from dataflow.tls import server_context


class Redirecting(BaseHTTPRequestHandler):
    """Sends every request elsewhere."""

    elsewhere = ""

    def do_GET(self) -> None:
        """Send it to the other server."""
        self.send_response(302)
        self.send_header("Location", self.elsewhere)
        self.end_headers()

    def do_POST(self) -> None:
        """Send it there, too."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: HTTPServer) -> Iterator[int]:
    """Give the port of a running server."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("send", [ask, tell])
def test_credentials_are_shown_to_nobody_but_the_worker_that_was_named(send):
    """A worker redirects nobody: what does is something else, and would be handed a password or a token."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0)
        handler = type("", (Redirecting,), {"elsewhere": f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"})
        server = HTTPServer(("127.0.0.1", 0), handler)
        with serving(server) as port, pytest.raises(DataflowError, match="answers 302"):
            send(f"http://ann:right@127.0.0.1:{port}", "tables")
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.parametrize("send", [ask, tell])
@pytest.mark.parametrize(
    "address",
    [
        "localhost:6066",
        "worker",
        "http://w:x",
        "http://[::1",
        "http://",
        "http://a..b",
        "http://w:0",
        "ftp://w",
    ],
)
def test_an_address_that_no_worker_can_have_is_named(send, address: str):
    """It was a traceback, or 'unknown url type'; and a file or an FTP server would have been read."""
    with pytest.raises(DataflowError, match="expected http://host:port, or https://host:port") as raised:
        send(address, "tables")
    assert address in str(raised.value) or "********" in str(raised.value)


def test_an_address_that_no_worker_can_have_shows_no_password():
    """What a command prints is copied into tickets."""
    for address in ("htp://ann:hush@w", "ann:hush@w", "http://ann:hush@w:x", "http://ann:hush@[::1"):
        with pytest.raises(DataflowError) as raised:
            ask(address, "tables")
        assert "hush" not in str(raised.value)


def test_what_keeps_a_command_from_a_worker_says_what_to_do(tmp_path: Path):
    """'Does not answer; expected a running one' sends an operator to look for a worker that runs."""
    Authority(tmp_path, "ca").issue("server")
    context = server_context(tmp_path / "server.crt", tmp_path / "server.key", None)
    tls = HTTPServer(("127.0.0.1", 0), Redirecting)
    tls.socket = context.wrap_socket(tls.socket, server_side=True)
    plain = HTTPServer(("127.0.0.1", 0), Redirecting)
    with serving(tls) as tls_port, serving(plain) as plain_port:
        for url, expected in (
            (f"https://127.0.0.1:{tls_port}", "by a CA of DATAFLOW_WEB_TLS_CA_FILE"),
            (f"https://127.0.0.1:{plain_port}", "expected HTTPS there"),
            (f"http://127.0.0.1:{tls_port}", "a worker with DATAFLOW_WEB_TLS_CERT_FILE has https://"),
        ):
            with pytest.raises(NotReady, match=expected):
                ask(url, "tables")
