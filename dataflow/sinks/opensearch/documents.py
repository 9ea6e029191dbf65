"""Documents: the two lines of a bulk request that store a record."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter

import msgspec
import orjson

from dataflow.engine.splice import Added, append
from dataflow.errors import InvalidEvent, Reason
from dataflow.kafka.record import Record
from dataflow.sinks.contract import Rejection, SinkBatch, convert, one_line
from dataflow.sinks.event_time import arrived_ms, compile_reader
from dataflow.sinks.opensearch.indices import index_name, instant, overflow_index
from dataflow.sinks.opensearch.mapping import (
    LONGEST,
    OTHER_FIELD,
    PLACE_FIELD,
    TEXT_FIELD,
    TIME_FIELD,
    known_fields,
)

COORDINATES = ("geo_latitude", "geo_longitude", "latitude", "longitude")
_coordinates_of = attrgetter(*COORDINATES)
_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
BULK_BYTES = 1_000_000
"""Limit of a bulk request with more than one document; aiohttp warns of bodies that block the loop."""
NO_PIPELINE = {"pipeline": "_none"}


@dataclass(frozen=True, slots=True)
class BulkDocument:
    """A record, where it is stored, and as what."""

    record: Record
    target: Mapping[str, str]
    """Index and id, as a bulk request names them."""
    source: bytes
    at: str = ""
    """Event time, as documents hold it."""
    is_text: bool = False
    """Nothing of the event is indexed but its time."""

    @property
    def lines(self) -> bytes:
        """Action and source, each with its line feed."""
        return b'{"create":%b}\n%b\n' % (orjson.dumps(self.target), self.source)

    def as_text(self) -> "BulkDocument":
        """Return the document with the event as one text: neither a mapping nor a pipeline can refuse it."""
        source = orjson.dumps({TIME_FIELD: self.at, TEXT_FIELD: (self.record.value or b"").decode()})
        return replace(self, target={**self.target, **NO_PIPELINE}, source=source, is_text=True)

    def in_overflow(self) -> "BulkDocument":
        """Return the document for the index of what has no other."""
        return replace(self, target={**self.target, "_index": overflow_index(self.target["_index"])})


MakeDocuments = Callable[[SinkBatch, str], tuple[list[BulkDocument], list[Rejection]]]
"""Gets a batch, and under which name its topic is stored."""


def compile_documents(topic: str, prefix: str) -> MakeDocuments:
    """Return a function that makes the documents of a batch, and rejects what is no JSON object.

    A document is the event with two more fields: the event time, and the location if it has coordinates.
    Fields that its Record does not have are in one of ours. Its id is the origin of the record, and
    documents are only created, never changed: the second time the server answers that it exists.
    """
    read = compile_reader(topic, *COORDINATES)
    known = known_fields(topic)
    fields = [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in sorted(known)]
    check = msgspec.json.Decoder(msgspec.defstruct("Event", fields, forbid_unknown_fields=True)).decode

    def document_of(origin: str, record: Record) -> BulkDocument:
        at_ms, event = read(record)
        raw, at = record.value or b"", instant(at_ms)
        added = {TIME_FIELD: at, **_place_in(event)}
        try:
            check(raw)
        except msgspec.DecodeError:  # it has a field that is not known
            raw, others = _without_others(raw, known)
            added |= others
        index = index_name(prefix, at_ms, arrived_ms(record))
        target = {"_index": index, "_id": f"{origin}-{record.offset}"}
        return BulkDocument(record, target, one_line(append(raw, Added(**added))), at)

    def documents_of(batch: SinkBatch, topic: str) -> tuple[list[BulkDocument], list[Rejection]]:
        return convert(batch.records, partial(document_of, f"{topic}-{batch.tp.partition}"))

    return documents_of


def _place_in(event: object) -> Mapping[str, object]:
    coordinates = _coordinates_of(event)
    place = place_of(*coordinates[:2]) or place_of(*coordinates[2:])
    return {PLACE_FIELD: place} if place else {}


def _without_others(raw: bytes, known: frozenset[str]) -> tuple[bytes, dict[str, object]]:
    """Return the event without the fields that are not known, and these, as sent, in one or two of ours."""
    kept: list[bytes] = []
    short: list[bytes] = []
    long: list[bytes] = []
    try:
        members = _members_of(raw)
    except msgspec.DecodeError as error:  # a name that is half a character
        raise InvalidEvent(Reason.NOT_JSON, f"value is not JSON; {error}") from error
    for name, value in members.items():
        member = orjson.dumps(name) + b": " + bytes(value)
        (kept if name in known else short if len(member) <= LONGEST else long).append(member)
    others: dict[str, object] = {}
    if short:
        others[OTHER_FIELD] = orjson.Fragment(_object_of(short))
    if long:
        others[TEXT_FIELD] = _object_of(long).decode()
    return _object_of(kept), others


def _object_of(members: Iterable[bytes]) -> bytes:
    return b"{" + b", ".join(members) + b"}"


def place_of(latitude: object, longitude: object) -> Mapping[str, float] | None:
    """Return coordinates in degrees as a geo_point; None if they are not on earth."""
    if latitude is None or longitude is None:  # as in most events: an exception costs more
        return None
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
        length = len(document.lines)
        if bulk and size + length > BULK_BYTES:
            yield bulk
            bulk, size = [], 0
        bulk.append(document)
        size += length
    if bulk:
        yield bulk
