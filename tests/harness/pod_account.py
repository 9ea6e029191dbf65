"""The account of a pod: a folder in; an API server that says the scale of a StatefulSet to it, out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from harness.https_server import https_server

PATH = "/apis/apps/v1/namespaces/prod/statefulsets/dataflow-enrich/scale"
TOKEN = "of-the-pod"


class Api(BaseHTTPRequestHandler):
    """Answers as the API server does, for the token of a pod."""

    port: int
    replicas: int | None = 3
    """None: the set is deleted."""

    def do_GET(self) -> None:
        """Answer with the scale."""
        if self.headers["Authorization"] != f"Bearer {TOKEN}" or "/dataflow-" not in self.path:
            return self._answer(403, {"kind": "Status"})
        if self.path != PATH or self.replicas is None:
            return self._answer(404, {"kind": "Status"})
        spec = {"replicas": self.replicas} if self.replicas else {}  # zeros are left out
        return self._answer(200, {"kind": "Scale", "spec": spec})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pod_account(folder: Path) -> Iterator[type[Api]]:
    """Write what a pod finds in its account's folder, and run the API server that it asks."""
    handler: type[Api] = type("Handler", (Api,), {})
    for name, text in {"token": f"{TOKEN}\n", "namespace": "prod"}.items():
        (folder / name).write_text(text)
    with https_server(folder, handler) as handler.port:
        yield handler
