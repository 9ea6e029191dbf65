"""Admin: topics and groups of a broker that may be away; only here are its answers taken apart."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from time import monotonic
from typing import NamedTuple, TypeVar

from aiokafka import admin as aiokafka_admin
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.errors import Misconfigured
from dataflow.kafka.clients import backoff, running, start
from dataflow.kafka.connection import principal_of
from dataflow.kafka.errors import BROKER_AWAY, KafkaError
from dataflow.kafka.group_members import GroupMember, describe_members
from dataflow.kafka.leave_group import remove_members
from dataflow.kafka.refusals import Refusal, explain, find_refusal
from dataflow.kafka.topic_states import topic_states
from dataflow.logs import get_log

log = get_log(__name__)

T = TypeVar("T")

MAX_MESSAGE_BYTES = "max.message.bytes"
CLEANUP_POLICY = "cleanup.policy"
DEFAULT_BYTES = 1_048_588
"""Kafka's own, for a topic whose settings we may not read."""
WAIT_SECONDS = 60.0
FINAL_TIMES = 3
"""So often a broker has to refuse for a cause that only a setting ends: one that is starting may err."""
_BROKER_DECIDES = -1
DENIED_CODES = (TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno)
RECORD_ROOM_BYTES = 8 << 10
"""What key, headers and framing may add to a value."""


class NewTopic(NamedTuple):
    """A topic to be made, with as many copies as is the broker's default."""

    name: str
    partitions: int
    configs: Mapping[str, str]


class TopicLimits(NamedTuple):
    """What a topic takes and keeps."""

    most_bytes: int
    """Largest record batch."""
    cleanup_policy: str


class Admin:
    """Asks the broker, and makes topics. Use with `running`, or by `connect_admin`."""

    def __init__(self, connection: Mapping[str, object]) -> None:
        self._principal = principal_of(connection)
        self._client = aiokafka_admin.AIOKafkaAdminClient(**connection)

    async def start(self) -> None:
        """Connect to the broker."""
        await self._client.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.close()

    @property
    def client(self) -> AIOKafkaClient:
        """Its connections, for requests that it does not know."""
        return self._client._client

    async def partition_counts(self, names: Collection[str] | None = None) -> dict[str, int]:
        """Return how many partitions each of these topics has, without those that do not exist; None: all."""
        # To ask for a topic by name would make it on a broker that makes topics by itself.
        described = await self._client.describe_topics()
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in described
            if names is None or topic["topic"] in names
        }

    async def partitions(self, names: Collection[str]) -> list[TopicPartition]:
        """Return all partitions of those topics that exist."""
        counts = await self.partition_counts(names)
        return [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]

    async def hidden(self, names: Collection[str]) -> set[str]:
        """Return those of these topics that we may not even describe; they may exist."""
        states = await topic_states(self.client, names) if names else {}
        return {name for name, state in states.items() if state.is_hidden}

    async def grow(self, counts: Mapping[str, int]) -> None:
        """Give topics so many partitions; raise `KafkaError` when the broker refuses."""
        if counts:
            new = {name: aiokafka_admin.NewPartitions(count) for name, count in counts.items()}
            await self._client.create_partitions(new)

    async def create_topics(self, topics: Iterable[NewTopic]) -> tuple[str, ...]:
        """Make topics, also when others do so at once; return the new ones. Raises `Misconfigured`."""
        # Without the empty assignments aiokafka refuses to leave the copies to the broker.
        wanted = [
            aiokafka_admin.NewTopic(name, partitions, _BROKER_DECIDES, {}, dict(configs))
            for name, partitions, configs in topics
        ]
        if not wanted:
            return ()
        created = []
        for name, code, message in (await self._client.create_topics(wanted)).topic_errors:
            if code == 0:
                created.append(name)
            elif code != TopicAlreadyExistsError.errno:
                reason = message or for_code(code).__name__
                if code in DENIED_CODES:
                    reason = f"{self._principal} is denied operation CREATE on it, and on the cluster"
                raise Misconfigured(f"topic {name} is refused by the broker: {reason}")
        return tuple(created)

    async def configs(self, topics: Mapping[str, Collection[str]]) -> dict[str, dict[str, str]]:
        """Return the values of these settings of topics; raise `Misconfigured` for one that is kept back."""
        found, denied = await self._configs(topics)
        for topic in denied:
            raise Misconfigured(
                _kept_back(topic, f"{self._principal} is denied operation DESCRIBE_CONFIGS on it")
            )
        return found

    async def readable_configs(self, topics: Mapping[str, Collection[str]]) -> dict[str, dict[str, str]]:
        """Return the values of these settings, without those of topics whose settings we may not read."""
        found, denied = await self._configs(topics)
        if denied:
            log.warning(
                "Settings of topics may not be read; Kafka's defaults are taken for them.",
                topics=denied,
                awaited=f"{self._principal} to be allowed operation DESCRIBE_CONFIGS",
            )
        return found

    async def limits(self, topics: Iterable[str]) -> dict[str, TopicLimits]:
        """Return what those topics take and keep whose settings we may read."""
        found, _ = await self._configs({topic: [MAX_MESSAGE_BYTES, CLEANUP_POLICY] for topic in topics})
        return {
            topic: TopicLimits(int(config[MAX_MESSAGE_BYTES]), config[CLEANUP_POLICY])
            for topic, config in found.items()
        }

    async def _configs(
        self, topics: Mapping[str, Collection[str]]
    ) -> tuple[dict[str, dict[str, str]], list[str]]:
        """Return settings, and the topics whose settings we may not read."""
        if not topics:
            return {}, []
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(names))
            for topic, names in topics.items()
        ]
        configs, denied = {}, []
        for answer in await self._client.describe_configs(asked):
            for code, message, _, topic, entries, *_ in answer.resources:
                if code in DENIED_CODES:
                    denied.append(topic)
                elif code:
                    raise Misconfigured(_kept_back(topic, message))
                else:
                    configs[topic] = {name: value for name, value, *_ in entries}
        return configs, denied

    async def broker_configs(self, names: Collection[str]) -> dict[str, str]:
        """Return the values of these settings of one broker; none that it keeps back."""
        [node, *_] = self._client._client.cluster.brokers()
        asked = [ConfigResource(ConfigResourceType.BROKER, str(node.nodeId), dict.fromkeys(names))]
        [answer] = await self._client.describe_configs(asked)
        return {name: value for *_, entries in answer.resources for name, value, *_ in entries}

    async def groups(self) -> list[str]:
        """Return the consumer groups."""
        return [group for group, *_ in await self._client.list_consumer_groups()]

    async def committed(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return what a group has committed."""
        offsets = await self._client.list_consumer_group_offsets(group)
        return {tp: noted for tp, noted in offsets.items() if noted.offset >= 0}

    async def member_count(self, group: str) -> int:
        """Return how many members a group has."""
        # One group at a time: aiokafka 0.14 cannot read an answer of several.
        [answer] = await self._client.describe_consumer_groups([group])
        [(_, _, _, _, _, members, *_)] = answer.groups
        return len(members)

    async def remove_members(self, group: str, instance_ids: Collection[str]) -> set[str]:
        """Have static members leave a group at once; return those that it did not have."""
        return await remove_members(self.client, group, instance_ids)

    async def members(self, group: str) -> list[GroupMember] | None:
        """Return the members of a group; None while it is rebalancing."""
        return await describe_members(self.client, group)


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """What a writer has to know of a topic."""

    partitions: Iterator[int]
    """Each in turn, without end."""
    count: int
    """How many these are."""
    most_bytes: int
    """Longest value that the broker takes, unpacked."""


async def find_topics(connection: Mapping[str, object], names: Collection[str]) -> dict[str, KnownTopic]:
    """Return those of the topics that exist."""
    async with running(Admin(connection)) as admin:
        counts = await admin.partition_counts(names)
        configs = await admin.readable_configs({name: [MAX_MESSAGE_BYTES] for name in counts})
    limits = {name: int(config[MAX_MESSAGE_BYTES]) for name, config in configs.items()}
    return {
        name: KnownTopic(cycle(range(count)), count, limits.get(name, DEFAULT_BYTES) - RECORD_ROOM_BYTES)
        for name, count in counts.items()
    }


def _kept_back(topic: str, reason: str) -> str:
    return f"settings of topic {topic} are kept back by the broker: {reason}"


async def connect_admin(connection: Mapping[str, object], wait_seconds: float = WAIT_SECONDS) -> Admin:
    """Return a started admin client; wait for a broker that is away, and raise `Misconfigured` in the end."""
    deadline, finals = monotonic() + wait_seconds, 0
    for pause in backoff():
        admin = Admin(connection)
        try:
            await start(admin)
        except asyncio.CancelledError:
            await admin.stop()
            raise
        except (KafkaError, OSError) as error:
            await admin.stop()
            refusal = await find_refusal(connection)
            finals = finals + 1 if refusal and refusal.is_final else 0
            if finals == FINAL_TIMES or monotonic() + pause > deadline:
                raise Misconfigured(_unreachable(connection, refusal, wait_seconds, error)) from error
            reason = refusal.text if refusal else error
            log.warning("Broker does not answer; trying again.", wait_seconds=pause, error=reason)
            await asyncio.sleep(pause)
        else:
            return admin
    raise AssertionError("backoff() has no end")


def _unreachable(
    connection: Mapping[str, object], refusal: Refusal | None, wait_seconds: float, error: BaseException
) -> str:
    servers = connection["bootstrap_servers"]
    if refusal and refusal.is_final:
        return f"broker {servers} lets nobody in: {refusal.text}"
    return (
        f"broker {servers} does not answer: {refusal.text if refusal else error}; expected a Kafka broker "
        f"there within {wait_seconds:.0f} s, reachable by {connection['security_protocol']}. "
        "See that it runs, and look at DATAFLOW_BROKER and DATAFLOW_BROKER_SECURITY"
    )


async def until_answered(connection: Mapping[str, object], work: Callable[[], Awaitable[T]]) -> T:
    """Return what `work` returns; a broker that goes away meanwhile is waited for, and asked again."""
    for pause in backoff():
        try:
            return await work()
        except BROKER_AWAY as error:
            reason = await explain(error, connection) or error
            log.warning("Broker has gone away; trying again.", wait_seconds=pause, error=reason)
            await asyncio.sleep(pause)
    raise AssertionError("backoff() has no end")


async def with_admin(connection: Mapping[str, object], work: Callable[[Admin], Awaitable[T]]) -> T:
    """Do the same with an admin client, a new one each time."""

    async def ask() -> T:
        admin = await connect_admin(connection)
        try:
            return await work(admin)
        finally:
            await admin.stop()

    return await until_answered(connection, ask)
