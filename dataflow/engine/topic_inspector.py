"""The topic inspector: pauses streams whose topics are missing, denied or outgrown; lets them go on again."""

import asyncio
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from time import monotonic

from faust.types import TP

from dataflow.engine.boot import find_outputs, grow
from dataflow.engine.held_up import HeldUpChangelogs
from dataflow.engine.leaderless import ELECTION_SECONDS, Leaderless
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.topic_faults import States, TopicFault, no_leader, refusal, topic_faults
from dataflow.engine.topology import Topology
from dataflow.kafka.admin import Admin, with_admin
from dataflow.kafka.clients import running
from dataflow.kafka.connection import principal_of
from dataflow.kafka.errors import KafkaError, KeysRequired, RecordsRefused, RecordsTooLarge
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.topic_states import READ, topic_states
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

ELECTION_POLL_SECONDS = 0.2
SETTINGS_SECONDS = 60.0  # a broker deletes nothing sooner, unless it is told to


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
        self._leaderless = Leaderless()
        self.held_up = HeldUpChangelogs(connection)
        self._unread: dict[str, TopicFault] = {}
        """Streams that lack what somebody reads for them before they may begin."""
        self._refusing: set[str] = set()
        """Topics that have refused records for their settings: these are read again and again."""
        self._policies: dict[str, str] = {}
        """What is known of cleanup.policy."""
        self._settings_at = -SETTINGS_SECONDS
        self.has_changed = False
        """Whether partitions that can be recovered have come or gone, and the group does not know it yet."""

    @property
    def has_lost_dead_letters(self) -> bool:
        """Tell whether the last look was the first to find dead letters without a leader of a partition."""
        return any(tp.topic == self._topology.dead_letters for tp in self._leaderless.new)

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
            await self.held_up.check()
            states = await self._with_policies(self._leaderless.without_elections(states))
        except (KafkaError, OSError, TimeoutError) as error:
            log.debug("Topics cannot be looked at.", error=error)
            return
        if not states:
            self._compare({})
            return
        before, self._states = self._states, states
        if any(states[topic].partitions != count for topic, count in self._topology.partition_counts.items()):
            await self._producer.current.client.force_metadata_update()  # before anything is written there
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

    def hold(self, stream: str, topic: str, partition: int) -> None:
        """Pause a stream until `release`: this partition, which must be read first, has no leader."""
        if stream in self._topology.taken:
            self._unread[stream] = no_leader(stream, topic, "needs", [partition])
            self._pauses.begin(stream, *self._unread[stream])

    def release(self, stream: str) -> None:
        """Let a stream go on that was held, with the next look."""
        self._unread.pop(stream, None)

    def take_refusal(self, error: BaseException, dead_letters: str) -> bool:
        """Have other records written, or pause the streams that write; tell whether it concerns them alone.

        Those whose records are too large pause until the topic's setting is read: smaller batches, and dead
        letters, take their place. Those whose records lack a key pause until the topic is not compacted.
        """
        is_adapted = self._record_batches.adapt_to(error, dead_letters)
        if not isinstance(error, RecordsRefused):
            return False
        fault = refusal(principal_of(self._connection), error)
        if isinstance(error, RecordsTooLarge | KeysRequired):
            self._refusing |= set(error.topics)
        writers = [] if is_adapted else self._topology.writers_of(error.topics)
        for topic in writers:
            self._pauses.begin(topic, *fault)
        return is_adapted or bool(writers)

    async def recoverable(self, tps: Collection[TP]) -> list[TP]:
        """Return those of these partitions that can be read now, and what was counted of them."""
        await self.inspect()
        deadline = monotonic() + 2 * ELECTION_SECONDS
        while self._leaderless.is_electing and monotonic() < deadline:
            await asyncio.sleep(ELECTION_POLL_SECONDS)
            await self.inspect()
        return [tp for tp in tps if self.can_recover(tp)]

    def can_recover(self, tp: TP) -> bool:
        """Tell whether this partition can be read, and what was counted of it."""
        states, source = self._states, self._topology.sources[tp.topic]
        if not states:
            return True
        if not self._is_readable(tp.topic, states) or tp.partition >= states[source.changelog].partitions:
            return False
        changelog = TopicPartition(source.changelog, tp.partition)
        is_led = not any(tp.partition in states[name].leaderless for name in (tp.topic, source.changelog))
        return is_led and changelog not in self.held_up

    def _is_readable(self, topic: str, states: States) -> bool:
        changelog = self._topology.sources[topic].changelog
        return all(states[name].may(READ) and states[name].partitions for name in (topic, changelog))

    async def read_sizes(self) -> None:
        """Read how large the records of all topics may be whose settings we may read."""
        await with_admin(self._connection, partial(self._read_limits, self._topology.partition_counts))

    async def _read_limits(self, topics: Collection[str], admin: Admin) -> None:
        for topic, limits in (await admin.limits(topics)).items():
            self._record_batches.most_bytes[topic] = limits.most_bytes
            self._policies[topic] = limits.cleanup_policy

    async def _with_policies(self, states: States) -> States:
        """Return these states with the policies of changelogs and of topics that have refused records."""
        asked = {*self._topology.changelogs.values(), *self._refusing}
        if states and (self._refusing or monotonic() - self._settings_at >= SETTINGS_SECONDS):
            async with running(Admin(self._connection)) as admin:
                await self._read_limits([name for name in asked if states[name].partitions], admin)
            self._settings_at = monotonic()
        policies = {name: self._policies.get(name, "") for name in asked}
        return {name: replace(state, cleanup_policy=policies.get(name, "")) for name, state in states.items()}

    async def _look(self) -> States:
        topology = self._topology
        outputs = {name for names in topology.outputs.values() for name in names}
        names = {*topology.changelogs.values(), *topology.partition_counts, *topology.topics, *outputs}
        return await topic_states(self._producer.current.client, names)

    def _compare(self, faults: Mapping[str, TopicFault]) -> None:
        for topic in self._topology.taken:
            if fault := faults.get(topic) or self._unread.get(topic):
                self._pauses.begin(topic, *fault)
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
