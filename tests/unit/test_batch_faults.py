"""Batch: events of which any may be unusable in; each of them in its one place, in order, out."""

from dataclasses import dataclass

import faust
import orjson
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.batch import Batch
from dataflow.engine.decoding import compile_decoder, fault_of
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from dataflow.engine.stage import FilterStage
from dataflow.errors import InvalidEvent
from dataflow.kafka.fetch import Fetched, RecordSlice
from dataflow.stages.filter_document import read_document

AT = 1_700_000_000_000
TP = TopicPartition("source", 0)
RULES = read_document(
    orjson.dumps(
        [
            {"name": "first", "fieldName": "a", "regex": "x"},
            {"name": "second", "fieldName": "b", "regex": "[0-9]+", "include": True},
            {"name": "third", "fieldName": "a", "regex": "y"},
        ]
    ),
    "rules",
)
LINES = st.lists(
    st.sampled_from(
        (
            b'{"a":"x","b":"1"}', b'{"a":"x","b":"no"}', b'{"a":"y","b":2}', b'{"a":"z","b":3}', b'{"b":"4"}',
            b'{"a":"z","b":"no"}', b'{"a":1.0,"b":"5"}', b'{"a":true,"b":"6","c":"\xc3\xa9"}',
            None, b"", b"{", b"[]", b'{"a":"z","b":"7","c":"\xff"}',
        )
    ),
    max_size=40,
)  # fmt: skip


@dataclass(frozen=True)
class LoneOwner:
    """A partition that nobody reads on: its one batch is never entered."""

    tp: TopicPartition = TP

    def accepted_bytes(self, _: str) -> int:
        """Return Kafka's default."""
        return 1_048_588

    def enter(self, batch: Batch) -> None:
        """Refuse: these tests take a batch as it is."""
        raise AssertionError(batch)

    def leave(self, batch: Batch, error: BaseException | None) -> None:
        """Refuse, too."""
        raise AssertionError(batch, error)


class Event(faust.Record, include_metadata=False):
    """What the source holds."""

    a: str | None = None


FILTER = FilterStage("filter", RULES.judge, lambda raw: raw, fault_of)
MARK = EnrichStage("mark", compile_decoder(Event, ["a"], ["mark"]), lambda _: Added(mark=1))


def batch_of(values: list[bytes | None]) -> Batch:
    """Return a batch with these records."""
    records = [DefaultRecord(n, AT, 0, None, value, []) for n, value in enumerate(values)]
    slices = [RecordSlice(records[:25], AT), RecordSlice(records[25:], AT)]
    return Batch(LoneOwner(), None, Fetched(0, len(values), slices, 1), 0)


def outcome_of(value: bytes | None) -> str | None:
    """Return the rule that drops one line by itself, ``dead``, or None if it goes on."""
    try:
        return RULES.dropped_by(value)
    except InvalidEvent:
        return "dead"


@given(LINES)
def test_a_filter_judges_many_lines_as_it_does_each(values):
    """Unusable lines are found by halves; the others are dropped by the same rules, and stay in order."""
    batch = batch_of(values)
    rows = batch.apply(FILTER)
    outcomes = [outcome_of(value) for value in values]
    assert rows.values() == rows.events == [v for v, o in zip(values, outcomes, strict=True) if o is None]
    assert [d.record.offset for d in batch.dead] == [n for n, o in enumerate(outcomes) if o == "dead"]
    assert batch.event_counts.received == len(values)
    for rule in ("first", "second", "third"):
        assert batch.event_counts.dropped[rule] == outcomes.count(rule)


@given(LINES)
def test_an_enrichment_takes_many_events_as_it_does_each(values):
    """As above, where nothing is dropped."""

    def alone(value: bytes | None) -> bytes | None:
        try:
            return MARK(value)
        except InvalidEvent:
            return None

    batch = batch_of(values)
    rows = batch.apply(MARK)
    made = [alone(value) for value in values]
    assert rows.values() == [value for value in made if value is not None]
    assert [d.record.offset for d in batch.dead] == [n for n, value in enumerate(made) if value is None]
