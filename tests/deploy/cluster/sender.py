"""Sender: a steady load through a Service, until SIGTERM; a program that prints what became of its batches.

A batch is sent again only when it was certainly not taken: it was refused, or no connection came about. What
was sent and not answered has an unknown fate; it is not sent again.
"""

import json
import signal
import socket
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException

LINES = 20
SENDERS = 4
PAUSE_SECONDS = 0.1
AGAIN_SECONDS = 0.2
ANSWER_SECONDS = 30

counts = {"accepted": 0, "unknown": 0, "refused": 0, "unconnected": 0, "connections": 0}
lock = threading.Lock()
stopping = threading.Event()


def note(what: str, count: int = 1) -> None:
    """Count something."""
    with lock:
        counts[what] += count


def body_of(sender: int, batch: int) -> bytes:
    """Return lines of an access log."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    line = '192.0.2.{} - - [{}] "GET /pages/{} HTTP/1.1" 200 {} "-" "curl/8.0"'
    return "\n".join(line.format(sender, stamp, batch % 50, number) for number in range(LINES)).encode()


class Sender:
    """Sends one batch after another over a connection that is kept."""

    def __init__(self, number: int, host: str, token: str) -> None:
        self._number, self._host = number, host
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        self._connection: HTTPConnection | None = None

    def run(self) -> None:
        """Send until it is time to stop; a batch that was begun is seen through."""
        batch = 0
        while not stopping.is_set():
            body = body_of(self._number, batch)
            while not self._is_done(body):
                time.sleep(AGAIN_SECONDS)
            batch += 1
            time.sleep(PAUSE_SECONDS)

    def _is_done(self, body: bytes) -> bool:
        """Send a batch; return False when it is to be sent again."""
        try:
            connection = self._connection or self._connect()
        except OSError:
            note("unconnected")
            return False
        self._connection = connection
        try:
            connection.request("POST", "/ingest/access-logs", body, self._headers)
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, HTTPException):
            self._forget()
            note("unknown", LINES)
            return True
        if answer.will_close:
            self._forget()
        if answer.status == 200:
            note("accepted", json.loads(told)["accepted"])
            return True
        assert answer.status in (429, 503), (answer.status, told)
        note("refused")
        return False

    def _connect(self) -> HTTPConnection:
        connection = HTTPConnection(self._host, timeout=ANSWER_SECONDS)
        connection.connect()
        assert connection.sock is not None
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        note("connections")
        return connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main(host: str, token: str) -> None:
    """Send from several threads; print the counts each second and at the end."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    threads = [threading.Thread(target=Sender(number, host, token).run) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        print(json.dumps(counts), flush=True)
        time.sleep(1)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
