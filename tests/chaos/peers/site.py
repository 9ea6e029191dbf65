"""The site of a peer: three brokers, three of its workers, and bookings that are sent steadily."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from chaos.campaign.brokers import Brokers
from chaos.campaign.running import serving
from chaos.campaign.site import SESSION_MS
from chaos.campaign.wires import Wires
from chaos.peers.bookings_sent import BookingsSent
from chaos.peers.output import Output
from chaos.peers.process import Peer
from cluster import Cluster
from contestant import Contestant
from flows.bookings import HourlyStays
from tree import OURS

WORKERS = 3
GROUP = "dataflow"
SOURCE = "bookings"


class PeerSite:
    """What faults find: the same names as a site of ours has for brokers, wires and workers."""

    def __init__(self, contestant: Contestant, brokers: Brokers, folder: Path) -> None:
        cluster = Cluster(brokers.address)
        self.brokers = brokers
        self._contestant, self._folder = contestant, folder
        self._job = cast("HourlyStays", contestant.flow(cluster, GROUP, 0))
        self._job.source = SOURCE
        self._job.prepare()
        cluster.make_topics([SOURCE])
        self.sent = BookingsSent(brokers.address, SOURCE)
        self.output = Output(brokers.address, self._job.output)
        self.workers = [self._peer(f"worker-{number}").start() for number in range(WORKERS)]

    @property
    def enrichers(self) -> list[Peer]:
        """Return all workers: a peer has no other role."""
        return self.workers

    @property
    def crashes(self) -> int:
        """How often workers have ended by themselves."""
        return sum(worker.crashes for worker in self.workers)

    def tails(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(worker.tail() for worker in self.workers)

    def restart_ended(self) -> None:
        """Start again who has ended by itself."""
        for worker in self.workers:
            worker.restart_if_ended()

    def restart_all(self) -> None:
        """Do what an operator does with workers that stand still."""
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.start()

    def recover_alone(self) -> Peer:
        """End all workers, and start one with an empty disk: what it counts on is what Kafka keeps."""
        for worker in self.workers:
            worker.stop()
        self.workers = [self._peer("alone").start()]
        return self.workers[0]

    def counts(self, worker: Peer) -> Mapping[tuple[str, int], int]:
        """Return what a stopped worker has counted."""
        return self._job.counts(worker.local_store)

    def close(self) -> None:
        """Leave nothing running."""
        self.output.close()
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.kill()

    def _peer(self, name: str) -> Peer:
        folder = self._folder / name
        told = {
            **self._job.environment(folder / "state"),
            **self._contestant.environment,
            "JOB": self._contestant.job,
            "BROKER": self.brokers.for_workers,
            "SESSION_MS": str(SESSION_MS),
            "COPIES": str(len(self.brokers.nodes)),
        }
        return Peer(folder, self._contestant.program(), OURS.environment(told))


@contextmanager
def running_peer(contestant: Contestant, folder: Path, per_second: int) -> Iterator[PeerSite]:
    """Run all of it; nothing is left running in the end."""
    wires = Wires()
    brokers = Brokers(folder, wires)
    with serving(brokers, wires):
        site = PeerSite(contestant, brokers, folder)
        try:
            site.sent.start(per_second)
            yield site
        finally:
            site.close()
