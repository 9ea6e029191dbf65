"""`make compose`: docker-compose.yml on a real Docker engine; the samples played, counted, and counted again.

Images that are built from packages stand in for those of a registry. Grafana, Kafka UI and OpenSearch
Dashboards cannot be had so: in their place a program shows that they would find what they need.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.docker_engine import DockerEngine
from deploy.stand_ins import build
from expected_stays import expected_stay_counts

from dataflow.cli.tables import MOST_ENTRIES
from dataflow.demo.broker.jars import cache_folder
from dataflow.demo.samples import SAMPLE_TOPICS, sample_events
from deploy import outside

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
SERVICES = ("samples", "sink-postgres", "sink-s3", "sink-opensearch", *outside.SERVICES)
PROFILES = ("samples", "sinks", "watch", "https")
OWN_SECRETS = ("alert-page-url", "alert-ticket-url")
"""What docs/deploy-compose.md has the operator write."""
SECONDS = 300
SINKS_PLAYED = {"DATAFLOW_CDN_PARSED": "true", "DATAFLOW_S3_FLUSH_SECONDS": "5"}

Counts = Mapping[str, Any]


class Deployment:
    """The services of the compose file, with their stand-ins."""

    def __init__(self, engine: DockerEngine, secrets: Path) -> None:
        engine.environment |= {
            "DATAFLOW_SECRETS": str(secrets),
            "COMPOSE_PROJECT_NAME": "played",
            **SINKS_PLAYED,
        }
        self._engine = engine
        files = ("-f", str(ROOT / "docker-compose.yml"), "-f", str(HERE / "compose.stand-ins.yml"))
        profiles = [word for name in PROFILES for word in ("--profile", name)]
        self._compose = ("docker-compose", "--ansi", "never", *files, *profiles)
        self._token = (secrets / "sender-token").read_text().strip()

    def do(self, *arguments: str, seconds: float = SECONDS, shown: bool = True) -> str:
        """Return what a command of Compose prints."""
        return self._engine.run([*self._compose, *arguments], seconds=seconds, shown=shown)

    def ask(self, service: str, *command: str) -> str:
        """Return what a program of a service prints."""
        return self.do("exec", "-T", service, *command, seconds=60, shown=False)

    def play(self) -> None:
        """Start everything, and wait until the samples are played; raise if they are not."""
        self.do("up", "--detach", *SERVICES, seconds=2 * SECONDS)
        [container] = self.do("ps", "--quiet", "samples").split()
        code = self._engine.run(["docker", "wait", container], seconds=SECONDS).strip()
        assert code == "0", self.do("logs", "samples")
        outside.send_through_proxy(self.ask, self._token)

    def counted(self) -> Counts:
        """Return what is counted, and what the sinks have stored."""
        asked = (
            "dataflow",
            "tables",
            "stays_per_category",
            "--window",
            "all",
            "--merge",
            "--top",
            MOST_ENTRIES,
        )
        [stays] = json.loads(self.ask("ingest", *asked))["windows"]
        received = json.loads(self.ask("ingest", "dataflow", "streams", "list"))["streams"]
        return {
            "stays": {one["key"]: (one["count"], one["distinct_hotels"]) for one in stays["entries"]},
            "received": {topic: received[topic]["received"] for topic in SAMPLE_TOPICS},
            "PostgreSQL": {table: self._rows(table) for table in ("stays", "page_views", "cdn_requests")},
            "S3": int(self.ask("s3", "sh", "-c", "find /data/dataflow -name '*.gz' -exec zcat {} + | wc -l")),
            "OpenSearch": self._documents(),
            "HTTPS": received["access-logs"]["received"],
            "Prometheus": outside.seen_by_prometheus(self.ask),
            "not healthy": self._unhealthy(),
        }

    def _unhealthy(self) -> list[str]:
        """Return what runs and does not say that it is well."""
        told = self._engine.run(["docker", "ps", "--format", "{{.Names}} {{.Status}}"], seconds=60)
        return [line for line in told.splitlines() if "(healthy)" not in line]

    def _rows(self, table: str) -> int:
        query = f"select count(*) from {table}"  # one of ours
        return int(self.ask("postgres", "psql", "-U", "postgres", "-d", "dataflow", "-Atc", query))

    def _documents(self) -> int:
        script = (
            'printf \'user = "admin:%s"\\n\' "$(cat /run/secrets/opensearch-admin-password)" |'
            " curl -sf --config - --cacert /run/secrets/ca.crt 'https://localhost:9200/web-events-*/_count'"
        )
        return int(json.loads(self.ask("opensearch", "bash", "-c", script))["count"])


def passing_lines() -> int:
    """Return how many CDN lines the rules let pass."""
    rules = json.loads((ROOT / "deploy/compose/rules/filter-rules.json").read_text())

    def passes(line: Mapping[str, str]) -> bool:
        matches = (re.fullmatch(rule["regex"], line.get(rule["fieldName"], "")) for rule in rules)
        return all(
            (match is not None) is rule.get("include", False)
            for match, rule in zip(matches, rules, strict=True)
        )

    return sum(passes(json.loads(line)) for line in sample_events("cdn-logs"))


def expected(lines: int) -> Counts:
    """Return what all has to be once the samples are played, and lines sent through the proxy."""
    sent = {topic: len(sample_events(topic)) for topic in SAMPLE_TOPICS}
    stays, passing = expected_stay_counts().items(), passing_lines()
    return {
        "stays": {category: (one["count_all"], one["count_distinct"]) for category, one in stays},
        "received": sent,
        "PostgreSQL": {
            "stays": sent["expedia"], "page_views": sent["raw-web-events"], "cdn_requests": passing
        },
        "S3": passing + lines,
        "OpenSearch": sent["raw-web-events"],
        "HTTPS": lines,
        "Prometheus": outside.EXPECTED,
        "not healthy": [],
    }  # fmt: skip


def wait_until_equal(wanted: Counts, look: Callable[[], Counts]) -> None:
    """Return when all is counted and stored; raise `AssertionError` with what differs after a while."""
    deadline, seen = time.monotonic() + SECONDS, None
    while seen != wanted:
        assert time.monotonic() < deadline, f"counted: {seen}\nexpected: {wanted}"
        time.sleep(2)
        try:
            seen = look()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, ValueError, LookupError) as error:
            seen = {"not yet": str(error)}


def make_secrets(folder: Path) -> Path:
    """Make the secrets of a deployment anew; return their folder."""
    shutil.rmtree(folder, ignore_errors=True)
    made = [sys.executable, "-m", "dataflow", "secrets", "init", str(folder), "--for-containers"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    for name in OWN_SECRETS:
        (folder / name).write_text(f"http://receiver.invalid/{name}\n")
        (folder / name).chmod(0o444)
    return folder


def main() -> None:
    """Play, compare, stop everything, start it again, and compare once more."""
    folder = cache_folder() / "compose"
    folder.mkdir(exist_ok=True)
    secrets = make_secrets(folder / "secrets")
    engine = DockerEngine(folder / "engine")
    started_at = time.monotonic()

    def say(done: str) -> None:
        print(f"{time.monotonic() - started_at:6.1f} s  {done}", file=sys.stderr, flush=True)

    engine.start()
    try:
        say("The engine runs.")
        deployment = Deployment(engine, secrets)
        deployment.do("down", "--volumes", "--remove-orphans")  # of a run that was killed: they start again
        build(engine)
        say("Images are there.")
        for lines in (1, 2):
            deployment.play()
            say(f"The samples are played; {lines} lines have come through the proxy.")
            wait_until_equal(expected(lines), deployment.counted)
            say("Tables, PostgreSQL, S3 and OpenSearch have every event once; all is healthy, and watched.")
            deployment.do("stop")
            say("Everything is stopped.")
        deployment.do("down", "--volumes")
    finally:
        engine.stop()


if __name__ == "__main__":
    main()
