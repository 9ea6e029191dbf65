"""A running site: a folder in; brokers, workers, sinks, servers and load, all at work, out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.campaign.brokers import Brokers
from chaos.campaign.load import Load
from chaos.campaign.site import INGESTED, SESSION_MS, Site
from chaos.campaign.wires import Wires
from chaos.cluster import PARTITIONS, Cluster
from sinks.systems import object_store, postgres


@contextmanager
def running_site(folder: Path, seed: int, per_second: int) -> Iterator[Site]:
    """Run all of it; nothing is left running in the end."""
    wires = Wires()
    brokers = Brokers(folder, wires)
    with postgres(folder) as store, object_store(folder) as objects, serving(brokers, wires):
        assert store.port is not None
        assert objects.port is not None
        to_postgres, to_s3 = wires.add(store.port), wires.add(objects.port)
        environment = store.environment(to_postgres.port, 0) | objects.environment(to_s3.port, 0)
        environment["DATAFLOW_S3_FLUSH_SECONDS"] = "2"
        cluster = Cluster(
            brokers,
            folder,
            broker=brokers.for_workers,
            session_timeout_ms=str(SESSION_MS),
            sink_linger_ms="100",
            **{name.removeprefix("DATAFLOW_").lower(): value for name, value in environment.items()},
        )
        cluster.partitions |= {INGESTED: PARTITIONS, "dead-letters": PARTITIONS}
        load = Load(brokers.address, cluster.partitions, seed)
        try:
            site = Site(brokers, wires, cluster, load, store, objects, to_postgres, to_s3)
            load.start(per_second, site.ingest.url)
            yield site
        finally:
            load.halt()
            for worker in cluster.workers:
                worker.clear_away()


@contextmanager
def serving(brokers: Brokers, wires: Wires) -> Iterator[None]:
    """Run the brokers, and the wires to them, until the block ends."""
    try:
        brokers.start()
        brokers.wait_ready()
        yield
    finally:
        brokers.kill()
        wires.close()
