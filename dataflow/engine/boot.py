"""Before the first event: wait for the broker, make the changelogs, compare partition counts."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from time import monotonic
from typing import TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
    for_code,
)

from dataflow.engine.topology import Source
from dataflow.errors import Misconfigured
from dataflow.logs import get_log

log = get_log(__name__)

T = TypeVar("T")

WAIT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 5.0
MADE_POLL_SECONDS = 0.05
CHANGELOG_SETTINGS = {
    "cleanup.policy": "compact",
    # A segment is compacted only once it is closed; recovery reads all that is not.
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    "max.message.bytes": str(8 << 20),
}


async def connect_admin(
    connection: Mapping[str, object], wait_seconds: float = WAIT_SECONDS
) -> AIOKafkaAdminClient:
    """Return a started admin client; wait for a broker that is away, with backoff.

    Raises `Misconfigured` when none has answered in time.
    """
    deadline, pause = monotonic() + wait_seconds, 0.2
    while True:
        admin = AIOKafkaAdminClient(**connection)
        try:
            await admin.start()
            return admin
        except (KafkaError, OSError) as error:
            await admin.close()
            servers = connection["bootstrap_servers"]
            if monotonic() + pause > deadline:
                raise Misconfigured(
                    f"broker {servers} does not answer: {error}; expected a Kafka broker there within "
                    f"{wait_seconds:.0f} s, reachable by {connection['security_protocol']}. "
                    "See that it runs, and look at DATAFLOW_BROKER and DATAFLOW_BROKER_SECURITY"
                ) from error
            log.warning("Broker does not answer; trying again.", broker=str(servers), wait_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def with_admin(
    connection: Mapping[str, object], work: Callable[[AIOKafkaAdminClient], Awaitable[T]]
) -> T:
    """Return what `work` returns; a broker that goes away meanwhile is waited for, and asked again."""
    while True:
        admin = await connect_admin(connection)
        try:
            return await work(admin)
        except (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, OSError) as error:
            log.warning("Broker has gone away; trying again.", error=error)
        finally:
            await admin.close()


async def prepare_topics(
    connection: Mapping[str, object], sources: Collection[Source], outputs: Iterable[str]
) -> dict[str, int]:
    """Make changelogs that are missing; return how many partitions every topic has.

    Raises `Misconfigured` for a topic that is missing, or a changelog that does not have
    as many partitions as its source: the tables of a partition are kept in that of the
    same number.
    """
    names = {source.topic.get_topic_name() for source in sources} | set(outputs)

    async def work(admin: AIOKafkaAdminClient) -> tuple[dict[str, int], dict[str, int]]:
        """Look for the topics, and make the changelogs."""
        counts = await _partition_counts(admin, names)
        missing = sorted(names - counts.keys())
        if missing:
            raise Misconfigured(
                f"topics {', '.join(missing)} do not exist on {connection['bootstrap_servers']}; "
                "expected all topics to be there. Make them with `dataflow topics --create`"
            )
        await _make_changelogs(admin, sources, counts)
        return counts, await _partition_counts(admin, {source.changelog for source in sources})

    counts, logs = await with_admin(connection, work)
    for source in sources:
        _compare(source, counts[source.topic.get_topic_name()], logs[source.changelog])
    return counts


async def find_outputs(connection: Mapping[str, object], names: AbstractSet[str]) -> dict[str, int]:
    """Return how many partitions these topics have; raise `Misconfigured` if one is missing."""
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        counts = await _partition_counts(admin, names)
    finally:
        await admin.close()
    missing = sorted(names - counts.keys())
    if missing:
        raise Misconfigured(f"topics {', '.join(missing)} do not exist; expected all outputs to be there")
    return counts


async def _partition_counts(admin: AIOKafkaAdminClient, names: AbstractSet[str]) -> dict[str, int]:
    # To ask for a topic by name would make it on a broker that makes topics by itself.
    there = names & set(await admin.list_topics())
    described = await admin.describe_topics(sorted(there)) if there else []
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _make_changelogs(
    admin: AIOKafkaAdminClient, sources: Collection[Source], counts: Mapping[str, int]
) -> None:
    there = await _partition_counts(admin, {source.changelog for source in sources})
    wanted = [
        NewTopic(
            source.changelog,
            counts[source.topic.get_topic_name()],
            -1,  # as many copies as the broker's default
            {},
            CHANGELOG_SETTINGS,
        )
        for source in sources
        if source.changelog not in there
    ]
    if not wanted:
        return
    answer = await admin.create_topics(wanted)
    for name, code, *_ in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):  # another worker was faster
            raise Misconfigured(f"changelog {name} cannot be made: {for_code(code).__name__}")
    # The broker answers before it knows the topic everywhere.
    while len(  # noqa: ASYNC110 - nothing here could set an event
        await _partition_counts(admin, {topic.name for topic in wanted})
    ) < len(wanted):
        await asyncio.sleep(MADE_POLL_SECONDS)


def _compare(source: Source, expected: int, found: int) -> None:
    if found != expected:
        raise Misconfigured(
            f"changelog {source.changelog} has {found} partitions; expected {expected}, as its source "
            f"{source.topic.get_topic_name()}. Delete the changelog to count anew from the committed offsets"
        )
