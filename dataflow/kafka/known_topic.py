"""Known topics: what a writer has to know of the topics that it writes to."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

from dataflow.kafka.admin import MAX_MESSAGE_BYTES, Admin
from dataflow.kafka.clients import running

RECORD_ROOM_BYTES = 8 << 10
"""What key, headers and framing may add to a value."""


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
