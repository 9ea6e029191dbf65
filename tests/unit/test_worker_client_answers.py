"""What another program may answer a command that takes it for a worker: one line, and no traceback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dataflow.cli import worker_client
from dataflow.cli.program import run
from dataflow.cli.worker_client import ask
from dataflow.errors import DataflowError


@contextmanager
def answering(answer: bytes, *, then: bytes = b"") -> Iterator[str]:
    """Give the address of a server that answers with these bytes, and goes on with others."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)
            try:
                while then:
                    connection.sendall(then)
                    time.sleep(0.05)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def of(status: str, body: bytes, length: int | None = None) -> bytes:
    """Return an answer, which may end before its length."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


@pytest.mark.parametrize("options", [(), ("--ready",)])
def test_another_program_is_no_healthy_worker(options: tuple[str, ...], capsys):
    """`{"status":"ok"}`, as many programs answer at /healthz, was one."""
    with answering(of("200 OK", b'{"status":"ok"}')) as url, pytest.raises(DataflowError, match="has no '"):
        run(("health", *options, "--url", url))
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (of("200 OK", b"[]"), "is no JSON object; expected a worker of Dataflow there"),
        (of("200 OK", b"null"), "is no JSON object; expected a worker of Dataflow there"),
        (of("200 OK", b"{}"), "has no 'states'; expected a worker of Dataflow there, of this release"),
        (of("200 OK", b'{"states":', 99), "more expected)); expected all of its answer: ask again"),
        (of("500 Oops", b'{"error":', 99), "answers 500: Oops; expected a worker of Dataflow there"),
        (of("404 Not Found", b"<html>\n"), "answers 404: Not Found; expected a worker of Dataflow there"),
        (of("302 Found", b""), "answers 302: Found; expected a worker of Dataflow there"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer (SSH-2.0-OpenSSH_9.2); expected HTTP there"),
    ],
)
def test_an_answer_that_is_no_worker_s_is_told_in_a_line(answer: bytes, told: str):
    """It was a traceback, or pages of HTML, or sent an operator to look for a worker that runs."""
    with answering(answer) as url, pytest.raises(DataflowError) as raised:
        ask(url, "streams")["states"]
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_answer_that_never_ends_is_not_waited_for(monkeypatch):
    """A byte a second kept a command for as long as the other one liked: each had ten seconds of its own."""
    monkeypatch.setattr(worker_client, "TIMEOUT_SECONDS", 0.3)
    with (
        answering(of("200 OK", b"{", 9999), then=b" ") as url,
        pytest.raises(DataflowError, match="timed out"),
    ):
        ask(url, "streams")
