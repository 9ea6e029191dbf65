"""Documents: the two lines of a bulk request that store a record."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

import orjson

from dataflow.engine.splice import Added, append, splice
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition
from dataflow.sinks.contract import Rejection, SinkBatch, convert, one_line
from dataflow.sinks.event_time import compile_reader
from dataflow.sinks.opensearch.indices import PLACE_FIELD, TIME_FIELD, index_name, instant

COORDINATES = ("geo_latitude", "geo_longitude", "latitude", "longitude")
_coordinates_of = attrgetter(*COORDINATES)
BULK_BYTES = 1_000_000
"""Limit of a bulk request with more than one document; aiohttp warns of bodies that block the loop."""


@dataclass(frozen=True, slots=True)
class BulkDocument:
    """A record, and the lines of a bulk request that index it."""

    record: Record
    lines: bytes
    """Action and source, each with its line feed."""


MakeDocuments = Callable[[SinkBatch], tuple[list[BulkDocument], list[Rejection]]]


def compile_documents(topic: str, prefix: str) -> MakeDocuments:
    """Return a function that makes the documents of a batch, and rejects what is no JSON object.

    A document is the event with two more fields: the event time, and the location if it has
    coordinates. Its id is the origin of the record, and documents are only created, never
    changed: the second time the server answers that it exists.
    """
    read = compile_reader(topic, *COORDINATES)

    def document_of(tp: TopicPartition, record: Record) -> BulkDocument:
        at_ms, event = read(record)
        target = {"_index": index_name(prefix, at_ms), "_id": f"{tp.topic}-{tp.partition}-{record.offset}"}
        source = _with_fields(record.value or b"", at_ms, _coordinates_of(event))
        return BulkDocument(record, orjson.dumps({"create": target}) + b"\n" + source + b"\n")

    return lambda batch: convert(batch.records, partial(document_of, batch.tp))


def _with_fields(raw: bytes, at_ms: int, coordinates: tuple[object, ...]) -> bytes:
    fields: dict[str, object] = {TIME_FIELD: instant(at_ms)}
    place = place_of(*coordinates[:2]) or place_of(*coordinates[2:])
    if place:
        fields[PLACE_FIELD] = place
    may_have_fields = b'"@timestamp"' in raw or b'"location"' in raw
    made = (splice if may_have_fields else append)(raw, Added(**fields))
    return one_line(made)


def place_of(latitude: object, longitude: object) -> Mapping[str, float] | None:
    """Return coordinates in degrees as a geo_point; None if they are not on earth."""
    try:
        lat, lon = float(str(latitude)), float(str(longitude))
    except ValueError:
        return None
    return {"lat": lat, "lon": lon} if math.fabs(lat) <= 90 and math.fabs(lon) <= 180 else None


def bulks(documents: Sequence[BulkDocument]) -> Iterator[list[BulkDocument]]:
    """Yield the documents, in order, in requests of at most a megabyte or of one document."""
    bulk: list[BulkDocument] = []
    size = 0
    for document in documents:
        if bulk and size + len(document.lines) > BULK_BYTES:
            yield bulk
            bulk, size = [], 0
        bulk.append(document)
        size += len(document.lines)
    if bulk:
        yield bulk
