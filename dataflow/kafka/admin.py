"""Admin: topics and groups of the broker; its answers are taken apart here and nowhere else."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

from aiokafka import admin as aiokafka_admin
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.errors import Misconfigured
from dataflow.kafka.clients import running

MAX_MESSAGE_BYTES = "max.message.bytes"
_BROKER_DECIDES = -1
RECORD_ROOM_BYTES = 8 << 10
"""What key, headers and framing may add to a value."""


class NewTopic(NamedTuple):
    """A topic to be made, with as many copies as is the broker's default."""

    name: str
    partitions: int
    configs: Mapping[str, str]


class Admin:
    """Asks the broker, and makes topics. Use with `running`, or by `connect_admin`."""

    def __init__(self, connection: Mapping[str, object]) -> None:
        self._client = aiokafka_admin.AIOKafkaAdminClient(**connection)

    async def start(self) -> None:
        """Connect to the broker."""
        await self._client.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.close()

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

    async def create_topics(self, topics: Iterable[NewTopic]) -> tuple[str, ...]:
        """Make topics; return those that did not exist, as several workers may do so at once.

        Raises `Misconfigured` when the broker refuses one.
        """
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
                raise Misconfigured(f"topic {name} is refused by the broker: {reason}")
        return tuple(created)

    async def configs(self, topics: Mapping[str, Collection[str]]) -> dict[str, dict[str, str]]:
        """Return the values of these settings of topics; raise `Misconfigured` for one that is kept back."""
        if not topics:
            return {}
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(names))
            for topic, names in topics.items()
        ]
        configs = {}
        for answer in await self._client.describe_configs(asked):
            for code, message, _, topic, entries, *_ in answer.resources:
                if code:
                    raise Misconfigured(f"settings of topic {topic} are kept back by the broker: {message}")
                configs[topic] = {name: value for name, value, *_ in entries}
        return configs

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


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """What a writer has to know of a topic."""

    partitions: Iterator[int]
    """Each in turn, without end."""
    most_bytes: int
    """Longest value that the broker takes, unpacked."""


async def find_topics(connection: Mapping[str, object], names: Collection[str]) -> dict[str, KnownTopic]:
    """Return those of the topics that exist."""
    async with running(Admin(connection)) as admin:
        counts = await admin.partition_counts(names)
        limits = await admin.configs({name: [MAX_MESSAGE_BYTES] for name in counts})
    return {
        name: KnownTopic(cycle(range(count)), int(limits[name][MAX_MESSAGE_BYTES]) - RECORD_ROOM_BYTES)
        for name, count in counts.items()
    }
