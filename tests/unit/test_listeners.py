"""Listeners: what is spoken at an address is told, however whoever is there says goodbye."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.certificates import Authority

from dataflow.kafka.listeners import speaks_tls


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """Return the address of somebody who speaks TLS, and after the handshake reads and says nothing."""
    Authority(tmp_path, "ca").issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    is_over = threading.Event()

    def serve() -> None:
        with context.wrap_socket(listening.accept()[0], server_side=True):
            is_over.wait()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        is_over.set()
        serving.join()


async def test_who_says_no_goodbye_speaks_tls_all_the_same(silent: str):
    """It was waited for, and then taken for one that speaks none: the wrong setting was named."""
    assert await speaks_tls(silent)


async def test_a_port_at_which_nobody_listens_speaks_nothing():
    """Else a check that says yes to all would pass."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        assert not await speaks_tls(f"127.0.0.1:{taken.getsockname()[1]}")
