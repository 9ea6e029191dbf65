"""OpenSearch for tests: jars from Maven in; a real server that can be killed out."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from sinks.real_servers import opensearch_jars

from dataflow.demo.broker.child_process import start_child
from dataflow.demo.broker.java import find_java

JARS = opensearch_jars()
NOT_THERE = "needs OpenSearch: make servers"

_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m")
_PLUGINS = ("transport.Netty4Plugin", "analysis.common.CommonAnalysisPlugin", "geo.GeoModulePlugin",
            "index.mapper.MapperExtrasPlugin", "ingest.common.IngestCommonPlugin")  # fmt: skip


class OpenSearchServer:
    """One node; it goes when the tests go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port = held.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._java = find_java().program
        self._classes = os.pathsep.join([str(folder), *map(str, JARS)])
        self._compile(Path(__file__).with_name("Search.java"))
        self._process: subprocess.Popen[bytes] | None = None

    def _compile(self, source: Path) -> None:
        # A compiler in a jar: not every Java comes with one.
        compiler = [
            "org.eclipse.jdt.internal.compiler.batch.Main",
            "-source",
            "17",
            "-target",
            "17",
            "-nowarn",
        ]
        subprocess.run(
            [self._java, "-cp", self._classes, *compiler, "-cp", self._classes, "-d", str(self._folder),
             str(source)],
            check=True,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = start_child(
            [self._java, *_JVM, "-cp", self._classes, "Search",
             str(self._folder / "home"), str(self.port), *(f"org.opensearch.{name}" for name in _PLUGINS)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(
                    f"{self.url}/_cluster/health?wait_for_status=yellow", timeout=5
                ).close()
                return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None, "OpenSearch has ended"
                time.sleep(0.1)
        raise TimeoutError("OpenSearch does not answer after 90 s")

    def ask(self, path: str, **body: object) -> Any:
        """Return what it answers to a plain request."""
        return self._send(None, path, body)

    def put(self, path: str, **body: object) -> Any:
        """Change something; return what it answers."""
        return self._send("PUT", path, body)

    def _send(self, method: str | None, path: str, body: object) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
