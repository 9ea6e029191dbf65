"""The topic inspector: pauses streams whose topics are missing, denied or outgrown; lets them go on again."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from functools import partial

from faust.types import TP

from dataflow.engine.boot import find_outputs, grow
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.topic_faults import States, TopicFault, denied, too_large, topic_faults
from dataflow.engine.topology import Topology
from dataflow.kafka.admin import Admin, with_admin
from dataflow.kafka.clients import running
from dataflow.kafka.connection import principal_of
from dataflow.kafka.errors import KafkaError, RecordsRefused, RecordsTooLarge
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.topic_states import READ, topic_states
from dataflow.logs import get_log

log = get_log(__name__)


class TopicInspector:
    """Looks at the topics of all streams."""

    def __init__(
        self,
        topology: Topology,
        producer: ManagedProducer,
        pauses: StreamPauses,
        record_batches: RecordBatches,
        connection: Mapping[str, object],
    ) -> None:
        self._topology = topology
        self._producer = producer
        self._pauses = pauses
        self._record_batches = record_batches
        self._connection = connection
        self._states: States = {}
        self._too_small: set[str] = set()
        """Topics that have refused records for their size: their setting is read again and again."""
        self.has_changed = False
        """Whether partitions that can be recovered have come or gone, and the group does not know it yet."""

    async def inspect(self) -> None:
        """Pause streams that cannot go on, and let those go on that can.

        A broker that does not answer changes nothing; with one that is too old to say, streams try again,
        later and later.
        """
        if not self._producer.ready.is_set():
            return
        try:
            states = await self._look()
            if states and await self._grow(states):
                states = await self._look()
        except (KafkaError, OSError, TimeoutError) as error:
            log.debug("Topics cannot be looked at.", error=error)
            return
        if not states:
            self._compare({})
            return
        before, self._states = self._states, states
        if any(states[topic].partitions != count for topic, count in self._topology.partition_counts.items()):
            await self._producer.current.client.force_metadata_update()  # before anything is written there
        if self._too_small:
            async with running(Admin(self._connection)) as admin:
                await self._read_sizes([name for name in self._too_small if states[name].partitions], admin)
        self._compare(topic_faults(self._topology, states, principal_of(self._connection)))
        self.has_changed |= self._adopt_counts() or any(
            self._is_readable(topic, before) != self._is_readable(topic, states)
            for topic in self._topology.taken
            if before
        )

    async def add_outputs(self, names: AbstractSet[str]) -> None:
        """Learn of topics that will be written to; raise `Misconfigured` if one is missing.

        Before the start they are only noted: it looks for all topics.
        """
        topology = self._topology
        if topology.partition_counts:
            topology.partition_counts |= await find_outputs(self._connection, names)
        topology.topics |= names

    def take_refusal(self, error: BaseException, dead_letters: str) -> bool:
        """Have other records written, or pause the streams that write; tell whether it concerns them alone.

        Those whose records are too large pause until the topic's setting is read: smaller batches, and dead
        letters, take their place.
        """
        is_adapted = self._record_batches.adapt_to(error, dead_letters)
        if not isinstance(error, RecordsRefused):
            return False
        names = ", ".join(sorted(error.topics))
        fault = denied(principal_of(self._connection), "WRITE", names)
        if isinstance(error, RecordsTooLarge):
            self._too_small |= set(error.topics)
            fault = too_large(names)
        writers = [] if is_adapted else self._topology.writers_of(error.topics)
        for topic in writers:
            self._pauses.begin(topic, *fault)
        return is_adapted or bool(writers)

    async def recoverable(self, tps: Collection[TP]) -> list[TP]:
        """Return those of these partitions that can be read now, and what was counted of them."""
        await self.inspect()
        return [tp for tp in tps if self.can_recover(tp)]

    def can_recover(self, tp: TP) -> bool:
        """Tell whether this partition can be read, and what was counted of it."""
        states, source = self._states, self._topology.sources[tp.topic]
        return not states or (
            self._is_readable(tp.topic, states) and tp.partition < states[source.changelog].partitions
        )

    def _is_readable(self, topic: str, states: States) -> bool:
        changelog = self._topology.sources[topic].changelog
        return all(states[name].may(READ) and states[name].partitions for name in (topic, changelog))

    async def read_sizes(self) -> None:
        """Read how large the records of all topics may be whose settings we may read."""
        await with_admin(self._connection, partial(self._read_sizes, self._topology.partition_counts))

    async def _read_sizes(self, topics: Collection[str], admin: Admin) -> None:
        self._record_batches.most_bytes |= await admin.accepted_bytes(topics)

    async def _look(self) -> States:
        topology = self._topology
        outputs = {name for names in topology.outputs.values() for name in names}
        names = {*topology.changelogs.values(), *topology.partition_counts, *topology.topics, *outputs}
        return await topic_states(self._producer.current.client, names)

    def _compare(self, faults: Mapping[str, TopicFault]) -> None:
        for topic in self._topology.taken:
            if topic in faults:
                self._pauses.begin(topic, *faults[topic])
            else:
                self._pauses.end_by_itself(topic)

    async def _grow(self, states: States) -> bool:
        """Give changelogs as many partitions as their sources, where we may; tell whether one has grown."""
        wanted = {
            changelog: states[topic].partitions
            for topic, changelog in self._topology.changelogs.items()
            if self._topology.sources[topic].is_taken
            and 0 < states[changelog].partitions < states[topic].partitions
        }
        if not wanted:
            return False
        async with running(Admin(self._connection)) as admin:
            return await grow(admin, wanted)

    def _adopt_counts(self) -> bool:
        """Take over how many partitions topics have now; tell whether a source has more."""
        known = self._topology.partition_counts
        counts = {topic: state.partitions for topic, state in self._states.items() if state.partitions}
        has_grown = any(counts.get(topic, 0) > known.get(topic, 0) for topic in self._topology.taken)
        known |= counts
        return has_grown
