"""Kafka ACLs: what each role may do at the broker, and nothing more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dataflow.catalogue.declared import (
    AUDIT_LOG,
    CHANGED_WHILE_IT_RUNS,
    DEAD_LETTERS_REPLAYED,
    EVENTS_SIMULATION,
    INGEST_RUNS,
    INGESTED,
    INGESTED_INPUTS,
    OWN_TOPICS,
    RECEIVED_TOPICS,
    STREAMS,
    TOPICS,
)
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.topology import changelog_of
from dataflow.provisioning.kafka_users import COMMANDS
from dataflow.settings import Role, Settings
from dataflow.topics import read_topics


class Kind(StrEnum):
    """What a right is to, as `kafka-acls.sh` names it."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """What may be done; READ and WRITE include DESCRIBE."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One right."""

    kind: Kind
    name: str
    operation: Operation
    is_prefix: bool = False
    """It is for all names that begin so."""


Acls = Iterator[Acl]


def acls_of(role: str, settings: Settings) -> list[Acl]:
    """Return what the user of a role needs, each once, in the order of the names."""
    return sorted(_without_implied({acl for part in RIGHTS[role] for acl in part(settings)}))


def _without_implied(acls: set[Acl]) -> Iterator[Acl]:
    """Yield them without those that another one includes."""
    for acl in acls:
        including = {Operation.READ, Operation.WRITE} if acl.operation is Operation.DESCRIBE else set()
        if not any(_includes(other, acl, including) for other in acls if other != acl):
            yield acl


def _includes(other: Acl, acl: Acl, including: set[Operation]) -> bool:
    is_named = other.name == acl.name and other.is_prefix == acl.is_prefix
    is_below = other.is_prefix and acl.name.startswith(other.name) and other.name != acl.name
    return other.kind is acl.kind and (
        (is_named and other.operation in including)
        or (is_below and other.operation in including | {acl.operation})
    )


def _topics(names: Iterable[str], *operations: Operation) -> Acls:
    return (Acl(Kind.TOPIC, name, operation) for name in names for operation in operations)


def _names(topics: Iterable[DeclaredTopic]) -> list[str]:
    return [topic.name for topic in topics]


def _changelogs(settings: Settings) -> list[str]:
    return [changelog_of(settings.app_id, topic) for topic in read_topics(settings)]


def _look(settings: Settings) -> Acls:
    """Compare topics with their declarations, and find the workers of all groups."""
    yield from _topics([*TOPICS, *_names(OWN_TOPICS)], Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
    yield Acl(Kind.GROUP, settings.app_id, Operation.DESCRIBE, is_prefix=True)


def _enrich(settings: Settings) -> Acls:
    """Run the agents: read, count, write, commit."""
    yield from _topics(read_topics(settings), Operation.READ)
    outputs = (output.name for stream in STREAMS for output in stream.outputs)
    yield from _topics([*outputs, DEAD_LETTERS.name], Operation.WRITE)
    yield from _topics(_changelogs(settings), Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS)
    yield from _topics(_names(CHANGED_WHILE_IT_RUNS), Operation.READ, Operation.WRITE)
    yield Acl(Kind.GROUP, settings.app_id, Operation.READ)
    yield Acl(Kind.GROUP, f"{settings.app_id}-streams-", Operation.READ, is_prefix=True)
    yield Acl(Kind.TRANSACTIONAL_ID, f"{settings.app_id}-", Operation.WRITE, is_prefix=True)


def _receive(_: Settings) -> Acls:
    """Take events over HTTP, and simulate some."""
    yield from _topics([*RECEIVED_TOPICS, DEAD_LETTERS.name], Operation.WRITE)
    yield from _topics([EVENTS_SIMULATION.name], Operation.READ, Operation.WRITE)


def _read_inputs(_: Settings) -> Acls:
    """Read files and objects into the topics of their streams, each line once."""
    yield from _topics([*(stream.topic for stream in INGESTED.values()), DEAD_LETTERS.name], Operation.WRITE)
    yield from _topics(_names([INGESTED_INPUTS, INGEST_RUNS]), Operation.READ, Operation.WRITE)
    yield Acl(Kind.TRANSACTIONAL_ID, f"{INGESTED_INPUTS.name}-", Operation.WRITE, is_prefix=True)


def _operate(settings: Settings) -> Acls:
    """Follow events, change rules, replay dead letters, show the audit log: commands, and the page."""
    changed = _names([*CHANGED_WHILE_IT_RUNS, DEAD_LETTERS_REPLAYED, AUDIT_LOG])
    yield from _topics(changed, Operation.READ, Operation.WRITE)
    yield from _topics(TOPICS, Operation.READ)
    yield from _topics((stream.topic for stream in STREAMS), Operation.WRITE)
    for name in (*_names(CHANGED_WHILE_IT_RUNS), "dead-letters-replay"):
        yield Acl(Kind.TRANSACTIONAL_ID, f"{settings.app_id}-{name}", Operation.WRITE)


def _inspect(settings: Settings) -> Acls:
    """Compare changelogs with their declarations."""
    return _topics(_changelogs(settings), Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)


def _sink(name: str, topics: Callable[[Settings], Iterable[str]]) -> Callable[[Settings], Acls]:
    def store(settings: Settings) -> Acls:
        """Store topics in another system."""
        yield from _topics(topics(settings), Operation.READ)
        yield from _topics([DEAD_LETTERS.name], Operation.WRITE)
        group = f"{settings.app_id}-sink-{name}"
        yield Acl(Kind.GROUP, group, Operation.READ)
        yield Acl(Kind.TRANSACTIONAL_ID, f"{group}-", Operation.WRITE, is_prefix=True)

    return store


_SINKS: Final = {
    Role.SINK_POSTGRES: _sink("postgres", lambda _: (t.name for t in TOPICS.values() if t.table)),
    Role.SINK_CSV: _sink("csv", lambda _: (t.name for t in TOPICS.values() if t.is_csv)),
    Role.SINK_S3: _sink("s3", lambda settings: settings.s3_topics),
    Role.SINK_OPENSEARCH: _sink(
        "opensearch", lambda settings: (one.partition("=")[0] for one in settings.opensearch_indices)
    ),
}

RIGHTS: Final[Mapping[str, tuple[Callable[[Settings], Acls], ...]]] = {
    Role.ALL: (_look, _enrich, _receive, _read_inputs, _operate, *_SINKS.values()),
    Role.ENRICH: (_look, _enrich, _read_inputs, _operate),
    Role.INGEST: (_look, _receive, _read_inputs, _operate),
    **{role: (_look, store) for role, store in _SINKS.items()},
    COMMANDS: (_look, _inspect, _read_inputs, _operate),
}
"""What the user of each role does."""
