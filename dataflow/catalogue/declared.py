"""All declared streams, one module of `dataflow.catalogue.streams` each, and their topics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules

from dataflow.catalogue import streams
from dataflow.catalogue.stream import Stream
from dataflow.catalogue.topic import DeclaredTopic
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

RECEIVED_TOPICS = tuple(
    stream.topic for stream in STREAMS if stream.has_own_route or stream.ingest_number is not None
)
"""The topics of all events that are taken over HTTP."""
