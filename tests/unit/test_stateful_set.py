"""Stateful set: a pod leaves its group only where its set has no place for it any more."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from harness.certificates import Authority

from dataflow.cli import stateful_set
from dataflow.cli.stateful_set import is_scaled_in
from dataflow.errors import DataflowError, Misconfigured

PATH = "/apis/apps/v1/namespaces/prod/statefulsets/dataflow-enrich/scale"


class Api(BaseHTTPRequestHandler):
    """Answers as the API server does, for the token of a pod."""

    replicas: int | None = 3

    def do_GET(self) -> None:
        """Answer with the scale."""
        is_known = self.path == PATH and self.headers["Authorization"] == "Bearer of-the-pod"
        spec = {} if self.replicas is None else {"replicas": self.replicas}
        body = json.dumps({"kind": "Scale", "spec": spec}).encode()
        self.send_response(200 if is_known else 403)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Api]]:
    """Run an API server that a pod can ask."""
    Authority(tmp_path, "ca").issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    handler = type("Handler", (Api,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    for name, text in {"token": "of-the-pod\n", "namespace": "prod"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(stateful_set, "ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.server_port))
    yield handler
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.mark.parametrize(
    ("pod", "replicas", "expected"),
    [
        ("dataflow-enrich-2", 3, False),
        ("dataflow-enrich-3", 3, True),
        ("dataflow-enrich-10", 3, True),
        ("dataflow-enrich-0", 0, True),
        ("dataflow-enrich-0", None, True),
    ],
)
def test_a_pod_beyond_the_replicas_does_not_come_back(
    api: type[Api], pod: str, replicas: int | None, expected: bool
):
    """Zero replicas are left out of the answer, as zeros are."""
    api.replicas = replicas
    assert is_scaled_in(pod) is expected


def test_an_api_that_refuses_is_named(api: type[Api]):
    """The worker then stays in its group; whoever looks has to find the missing right."""
    with pytest.raises(DataflowError, match=r"does not say the scale of other: HTTP Error 403"):
        is_scaled_in("other-0")


@pytest.mark.parametrize("pod", ["", "worker", "enrich-", "-1x"])
def test_a_name_that_no_pod_of_a_set_has_is_refused(pod: str):
    """A place in a set cannot be read off it."""
    with pytest.raises(Misconfigured, match=f"^DATAFLOW_INSTANCE_ID is '{pod}'; expected the name of a pod"):
        is_scaled_in(pod)


def test_outside_of_kubernetes_it_says_so(monkeypatch: pytest.MonkeyPatch):
    """Not that a variable is missing, of which nobody has heard."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Misconfigured, match=r"^API of Kubernetes is not known here"):
        is_scaled_in("enrich-0")
