"""OpenSearch that asks for a certificate: the sink shows that of its settings."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from harness.certificates import Authority

from dataflow.settings import Settings
from dataflow.sinks.opensearch.client import SearchClient


class Asked(BaseHTTPRequestHandler):
    """Answers every request."""

    def do_PUT(self) -> None:
        """Answer as a server that has taken a template."""
        body = json.dumps({"acknowledged": True}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Quiet(HTTPServer):
    """Tells of no handshake that fails."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Return where a server lets in only who shows a certificate of its authority."""
    Authority(tmp_path, "ca").issue("server").issue("dataflow")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # a refusal is a part of the handshake
    server = Quiet(("127.0.0.1", 0), Asked)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield server.server_port
    server.shutdown()
    serving.join()
    server.server_close()


async def put(port: int, folder: Path, **settings: Path) -> None:
    """Store a template."""
    url = f"https://127.0.0.1:{port}"
    client = SearchClient(Settings(opensearch_url=url, opensearch_ca_file=folder / "ca.crt", **settings))
    try:
        await client.put_index_template("events", {})
    finally:
        await client.close()


async def test_a_server_that_asks_for_a_certificate_gets_it(port: int, tmp_path: Path):
    """Who logs in by certificates has no password to rotate."""
    own = {
        "opensearch_cert_file": tmp_path / "dataflow.crt",
        "opensearch_key_file": tmp_path / "dataflow.key",
    }
    await put(port, tmp_path, **own)


async def test_without_one_it_is_refused(port: int, tmp_path: Path):
    """Else the server of this test would ask nobody."""
    with pytest.raises(Exception, match=r"(?i)handshake failure|certificate required|Connection"):
        await put(port, tmp_path)
