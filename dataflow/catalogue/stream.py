"""A stream as the catalogue declares it: the topic that its agent reads, those it writes, who may send."""

from collections.abc import Callable
from dataclasses import dataclass

from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.event_time import EventTime


@dataclass(frozen=True, slots=True)
class GeneratorKind:
    """A generator of the stream: its name for ``dataflow generate``, and its class, ``module:Class``."""

    name: str
    made_by: str


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One kind of event."""

    name: str
    source: DeclaredTopic
    outputs: tuple[DeclaredTopic, ...] = ()
    counted_at: EventTime | None = None
    """The event time of what the agent counts, if that is another column than the source's."""
    columns: frozenset[str] = frozenset()
    """What tables can count of its events: the columns of the stage that its agent applies."""
    check: Callable[[bytes], object] | None = None
    """Raises one of `EVENT_FAULTS` for what its agent cannot use, beside what is not JSON."""
    ingest_number: int | None = None
    """Taken at ``POST /ingest/<name>``, and read from files and S3 under this number: that of its
    partition in the topics about inputs. It never changes, as they say what was read. None: neither."""
    is_datastream: bool = False
    """Sent by DataStream 2: with validation pings, and in the STRUCTURED format if so set."""
    keeps_sender: bool = False
    """Who sent a line stands in its headers."""
    has_own_route: bool = False
    """A route of its own takes its events over HTTP."""
    generator: GeneratorKind | None = None

    @property
    def topic(self) -> str:
        """Name of the topic that its events come in."""
        return self.source.name

    @property
    def topics(self) -> set[str]:
        """Names of all its topics."""
        return {topic.name for topic in (self.source, *self.outputs)}

    @property
    def event_time(self) -> EventTime | None:
        """The event time by which tables count."""
        return self.counted_at or self.source.event_time

    @property
    def is_json(self) -> bool:
        """Tell whether each event is a JSON object; else it is any line of text."""
        return self.source.record is not None
