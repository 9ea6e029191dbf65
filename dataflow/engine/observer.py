"""Observer: how a worker that takes no partitions finds out how many there are, and who has taken them."""

from collections.abc import Mapping

from mode import Service

from dataflow.engine.topology import Topology
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import backoff, running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.types import Connections
from dataflow.logs import get_log

log = get_log(__name__)

COUNT_SECONDS = 30.0
"""Between two looks at how many partitions the sources have."""


class Observer(Service):
    """Connections to the broker for as long as the worker runs, of no group; they come back by themselves."""

    def __init__(self, connection: Mapping[str, object], topology: Topology) -> None:
        super().__init__()
        self._connection = connection
        self._topology = topology
        self._admin: Admin | None = None

    @property
    def client(self) -> Connections | None:
        """The connections; None before the first, and while the broker is away."""
        return self._admin and self._admin.client

    @Service.task
    async def _stay_connected(self) -> None:
        pauses, error = backoff(), None
        while not self.should_stop:
            try:
                async with running(Admin(self._connection)) as admin:
                    await self._count_partitions(admin)
            except (KafkaError, OSError) as new_error:
                if self._admin is not None:  # it has answered since the last error
                    pauses, error = backoff(), None
                if type(new_error) is not type(error):
                    log.info("Broker does not say who owns which partitions.", error=new_error)
                error = new_error
            finally:
                self._admin = None
            await self.sleep(next(pauses))

    async def _count_partitions(self, admin: Admin) -> None:
        while not self.should_stop:
            self._topology.partition_counts = await admin.partition_counts(self._topology.sources)
            self._admin = admin
            await self.sleep(COUNT_SECONDS)
