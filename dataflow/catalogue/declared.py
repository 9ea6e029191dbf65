"""All declared streams, one module of `dataflow.catalogue.streams` each, their topics, and our own ones."""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules

from dataflow.catalogue import streams
from dataflow.catalogue.stream import Stream
from dataflow.catalogue.topic import JUDGED_BY_BROKER, LAST_OF_EACH_KEY, DeclaredTopic, kept_for
from dataflow.errors import Misconfigured


def declared_streams() -> tuple[Stream, ...]:
    """Return the `STREAM` of every module."""
    modules = iter_modules(streams.__path__, f"{streams.__name__}.")
    return tuple(import_module(module.name).STREAM for module in modules)


def check(declared: Iterable[Stream]) -> None:
    """Raise `Misconfigured` where two streams have a name or a number in common."""
    topics = [topic for stream in declared for topic in (stream.source, *stream.outputs)]
    _check_unique("stream", [stream.name for stream in declared])
    _check_unique("topic", [topic.name for topic in topics])
    _check_unique("PostgreSQL table", [topic.table.name for topic in topics if topic.table])
    _check_unique("generator", [stream.generator.name for stream in declared if stream.generator])
    numbers = sorted(stream.ingest_number for stream in declared if stream.ingest_number is not None)
    if numbers != list(range(len(numbers))):
        raise Misconfigured(f"ingest numbers are {numbers}; expected each from 0 to {len(numbers) - 1} once")


def _check_unique(what: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise Misconfigured(f"{what} {name!r} is declared {times} times; expected one declaration")


STREAMS = declared_streams()
check(STREAMS)

TOPICS: Mapping[str, DeclaredTopic] = {
    topic.name: topic for stream in STREAMS for topic in (stream.source, *stream.outputs)
}
"""The topics of all streams by their names."""

INGESTED: Mapping[str, Stream] = {
    stream.name: stream
    for number in range(len(STREAMS))
    for stream in STREAMS
    if stream.ingest_number == number
}
"""Streams whose lines come in over HTTP and from inputs, by their names, in the order of their numbers."""

_RECEIVED = [stream for stream in STREAMS if stream.has_own_route or stream.ingest_number is not None]

RECEIVED_STREAMS = tuple(stream.name for stream in _RECEIVED)
"""The streams whose events are taken over HTTP, as roles name them."""

RECEIVED_TOPICS = tuple(stream.topic for stream in _RECEIVED)
"""The topics of all events that are taken over HTTP."""


# What workers tell one another and remember.
EVENTS_SIMULATION = DeclaredTopic(
    "events-simulation", "who simulates analytics events, and whether it lives", configs=JUDGED_BY_BROKER
)
DEAD_LETTERS_REPLAYED = DeclaredTopic(
    "dead-letters-replayed", "which dead letters were sent back to their topics", configs=LAST_OF_EACH_KEY
)

AUDIT_LOG = DeclaredTopic(
    "audit-log",
    "who has asked for what: replays, simulations, rebuilds",
    configs=kept_for(3_650),
    partitions=1,
)

# One partition: its order decides which version is the last.
FILTER_RULES = DeclaredTopic(
    "filter-rules", "rules of the CDN filter, the last version counts", configs=LAST_OF_EACH_KEY, partitions=1
)
UTM_SOURCES = DeclaredTopic(
    "utm-sources",
    "marketing categories by utm_source, the last version counts",
    configs=LAST_OF_EACH_KEY,
    partitions=1,
)

# A partition for each stream: no transaction of one holds up who reads another.
INGESTED_INPUTS = DeclaredTopic(
    "ingested-inputs",
    "files and objects that were read, and how far",
    configs=LAST_OF_EACH_KEY,
    partitions=len(INGESTED),
)
INGEST_RUNS = DeclaredTopic(
    "ingest-runs",
    "who reads inputs, and whether it lives",
    configs=JUDGED_BY_BROKER,
    partitions=len(INGESTED),
)

CHANGED_WHILE_IT_RUNS = (FILTER_RULES, UTM_SOURCES)
OWN_TOPICS = (
    EVENTS_SIMULATION,
    DEAD_LETTERS_REPLAYED,
    AUDIT_LOG,
    *CHANGED_WHILE_IT_RUNS,
    INGESTED_INPUTS,
    INGEST_RUNS,
)


def streams_named(names: Iterable[str]) -> tuple[Stream, ...]:
    """Return the streams of these names, or source topics; raise ValueError, with those known, for others."""
    by_name = {stream.topic: stream for stream in STREAMS} | {stream.name: stream for stream in STREAMS}
    if set(names) - by_name.keys():
        raise ValueError(f"some of {', '.join(sorted(stream.name for stream in STREAMS))}")
    return tuple({by_name[name].name: by_name[name] for name in names}.values())
