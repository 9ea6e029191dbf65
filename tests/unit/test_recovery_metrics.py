"""What a recovery tells Prometheus: how much of the changelogs is left."""

from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from prometheus_client import REGISTRY

from dataflow.engine.restore import RecordsLeft
from dataflow.engine.state import PartitionState
from dataflow.engine.stored_partition import Changelog

FIRST, SECOND = TopicPartition("dataflow-a-changelog", 0), TopicPartition("dataflow-a-changelog", 1)


def left() -> float | None:
    """Return how many records are left, as Prometheus reads it."""
    return REGISTRY.get_sample_value("dataflow_recovery_left_records")


def record(offset: int) -> DefaultRecord:
    """Return a record of a changelog."""
    return DefaultRecord(offset, 0, 0, b"key", b"value", [])


def test_what_is_left_falls_as_changelogs_are_read():
    """So a long recovery is told from one that hangs; compaction leaves gaps between offsets."""
    found = {FIRST: Changelog(None, 100, 200), SECOND: Changelog(None, 0, 50)}
    records = RecordsLeft(found, {tp: PartitionState.of([]) for tp in found})
    assert left() == 150
    records.note(FIRST, [record(100), record(149)])
    records.note(SECOND, [])
    assert left() == 100
    records.note(FIRST, [record(199)])
    records.note(SECOND, [record(49)])
    assert left() == 0
