"""Dashboards: made of their panels, each of which shows something once Prometheus has read a worker."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, product
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec
import psutil
import pytest
from alert_rules import ROOT, unknown

from dataflow.demo.broker.child_process import start_child
from dataflow.metrics import METRICS, MetricType

GRAFANA = ROOT / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
PANELS = [
    pytest.param(target["expr"], id=f"{path.stem} {panel['title']} {target['refId']}")
    for path in FILES
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
]
DEADLINE_SECONDS = 120

VALUES = {
    "aggregation": ("count", "errors"),
    "outcome": ("received", "dead_lettered", "accepted"),
    "le": ("1.0", "+Inf"),
}
"""Labels of which panels ask for some values."""

OF_PROCESS = ("process_resident_memory_bytes", "process_cpu_seconds_total")


def test_the_files_are_made_of_the_panels(tmp_path: Path):
    """`python deploy/grafana/make_dashboards.py` writes them; what is changed by hand is lost then."""
    shutil.copy(GRAFANA / "make_dashboards.py", tmp_path)
    (tmp_path / "dashboards").mkdir()
    subprocess.run([sys.executable, tmp_path / "make_dashboards.py"], check=True, timeout=60)
    made = {path.name: path.read_text() for path in (tmp_path / "dashboards").iterdir()}
    assert made == {path.name: path.read_text() for path in FILES}


@pytest.mark.parametrize("expr", PANELS)
def test_a_panel_asks_only_for_what_workers_have(expr: str):
    """A panel on a metric that was renamed is empty, as it is when all is well."""
    assert not list(unknown(expr))


def test_every_metric_that_alarms_is_on_a_dashboard():
    """Who is woken looks there first."""
    shown = " ".join(param.values[0] for param in PANELS)
    rules = "".join(path.read_text() for path in (ROOT / "deploy" / "prometheus").glob("*-alerts.yml"))
    alarming = {name for name in METRICS if re.search(rf"\b{name}(_bucket|_count)?\b", rules)}
    assert not {name for name in alarming if name not in shown}


def test_grafana_finds_its_data_source_and_its_dashboards():
    """Each panel names the data source by the uid that is provisioned."""
    provisioning = GRAFANA / "provisioning"
    [source] = msgspec.yaml.decode((provisioning / "datasources" / "prometheus.yml").read_bytes())[
        "datasources"
    ]
    used = {panel["datasource"]["uid"] for path in FILES for panel in json.loads(path.read_text())["panels"]}
    assert used == {source["uid"]}
    uids = [json.loads(path.read_text())["uid"] for path in FILES]
    assert len(set(uids)) == len(uids) > 0


def page(scrape: int) -> str:
    """Return a page with every metric of the list, all of them growing."""
    lines = [f"{name} {scrape}" for name in OF_PROCESS]
    for name, metric in METRICS.items():
        is_histogram = metric.type is MetricType.HISTOGRAM
        for suffix in ("_bucket", "_sum", "_count") if is_histogram else ("",):
            labels = [*metric.labels, *(["le"] if suffix == "_bucket" else [])]
            for values in product(*(VALUES.get(label, ("x",)) for label in labels)):
                pairs = ",".join(f'{label}="{value}"' for label, value in zip(labels, values, strict=True))
                lines.append(f"{name}{suffix}{{{pairs}}} {scrape}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def worker() -> Iterator[int]:
    """Serve such a page; give the port."""
    scrapes = count(1)

    class Page(BaseHTTPRequestHandler):
        """Another one each time."""

        def do_GET(self) -> None:
            body = page(next(scrapes)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def prometheus(worker: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Prometheus that reads the page every second; give its address once it has, several times."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not there; Debian and Ubuntu: apt install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    targets = [{"targets": [f"127.0.0.1:{worker}"]}]
    jobs = [{"job_name": "dataflow", "scrape_interval": "1s", "static_configs": targets}]
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    arguments = (f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data")
    with (folder / "log").open("wb") as log:
        process = start_child([program, *arguments, "--web.listen-address=127.0.0.1:0"], stderr=log)
    try:
        url = f"http://127.0.0.1:{wait(lambda: listening(process), folder / 'log')}"
        wait(lambda: result(url, "count_over_time(dataflow_worker_ready[1m]) >= 3"), folder / "log")
        yield url
    finally:
        process.kill()
        process.wait()


def listening(process: subprocess.Popen) -> int | None:
    """Return the port at which a process listens."""
    ports = [
        each.laddr.port
        for each in psutil.Process(process.pid).net_connections("tcp")
        if each.status == "LISTEN"
    ]
    return ports[0] if ports else None


def result(url: str, expr: str) -> list:
    """Return what Prometheus makes of an expression; nothing while it starts."""
    try:
        with urlopen(f"{url}/api/v1/query?{urlencode({'query': expr})}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]
    except OSError as error:
        if getattr(error, "code", 503) != 503:
            raise AssertionError(f"{expr} is refused: {error.read().decode()}") from error
        return []


def wait(condition, log: Path):
    """Return what a condition gives once it gives something."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("expr", PANELS)
def test_a_panel_shows_something(prometheus: str, expr: str):
    """Prometheus has the last word on what an expression means."""
    assert result(prometheus, expr.replace("$__rate_interval", "1m"))
