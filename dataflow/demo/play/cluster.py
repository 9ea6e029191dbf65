"""The cluster of the demo: starts a broker and workers, and makes the topics."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataflow.broker_home import running_broker
from dataflow.cli.kafka import run_with_broker
from dataflow.connection import broker_connection
from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.play.foreground import serving_broker
from dataflow.demo.play.workers import DemoWorker, running_workers
from dataflow.demo.samples import sample_filter_rules
from dataflow.engine.address import is_loopback
from dataflow.settings import Settings
from dataflow.topics import declared_topics, ensure_topics

Say = Callable[[str], None]

_HTTPS = ("TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE", "PLAIN_PORT")
OPEN_ROLES = "read,send,edit"
"""Of everybody on this machine, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What runs: how to reach the broker, and the workers."""

    connection: Mapping[str, object]
    workers: list[DemoWorker]
    broker: EmbeddedBroker | None = None
    """None: it was there before, and is not ours."""

    def replace_ended(self, say: Say) -> None:
        """Start another worker for each that somebody has ended."""
        for position, worker in enumerate(self.workers):
            if worker.was_ended():
                code = worker.process.returncode
                how = f"was killed by signal {-code}" if code else "was stopped"
                say(f"Worker {worker.process.pid} at {worker.url} {how}. Another is started in its place.")
                self.workers[position] = worker.started_again()

    def check(self) -> None:
        """Raise `DataflowError` when the broker or a worker has ended."""
        if self.broker is not None:
            self.broker.check()
        for worker in self.workers:
            worker.check()


@contextmanager
def running_cluster(settings: Settings, folder: Path, workers: int, say: Say) -> Iterator[Cluster]:
    """Start what does not run yet; end in the end what was started, workers first."""
    with _broker(settings, folder, say) as (address, broker):
        connection = broker_connection(settings.model_copy(update={"broker": address}))
        report = run_with_broker(connection, ensure_topics(connection, declared_topics(settings)))
        for difference in report.differences:
            say(str(difference))
        say(f"Topics are ready, {len(report.created)} of them new.")
        environment = _environment(address, folder, settings)
        with running_workers(
            workers, settings.web_port, folder, environment, settings.shutdown_seconds
        ) as started:
            say(f"Workers are ready: {', '.join(worker.url for worker in started)}")
            if _is_open(settings):
                say(f"Everybody on this machine has the roles {OPEN_ROLES}: no DATAFLOW_ACCESS_FILE is set.")
            yield Cluster(connection, started, broker)


@contextmanager
def _broker(settings: Settings, folder: Path, say: Say) -> Iterator[tuple[str, EmbeddedBroker | None]]:
    home = folder / "broker"
    address = settings.broker or running_broker(home)
    if address:
        say(f"Kafka at {address} is used as it runs.")
        yield address, None
        return
    with serving_broker(home) as broker:
        say(f"Kafka serves at {broker.address}.")
        yield broker.address, broker


def _environment(address: str, folder: Path, settings: Settings) -> dict[str, str]:
    no_https = dict.fromkeys((f"DATAFLOW_WEB_{name}" for name in _HTTPS), "")  # it asks 127.0.0.1
    environment = {"DATAFLOW_BROKER": address, "DATAFLOW_DATA_DIR": str(folder), **no_https}
    environment["DATAFLOW_DRAIN_SECONDS"] = "0"  # nobody is between it and who watches it
    if not os.environ.get("DATAFLOW_FILTER_RULES"):
        environment["DATAFLOW_FILTER_RULES"] = str(sample_filter_rules())
    if _is_open(settings):
        environment["DATAFLOW_OPEN_ROLES"] = OPEN_ROLES
    return environment


def _is_open(settings: Settings) -> bool:
    return settings.access_file is None and settings.open_roles is None and is_loopback(settings.web_host)
