"""Layout of the archive: the keys of its objects."""

from dataflow.instants import datetime_of
from dataflow.kafka.types import TopicPartition

HOUR_MS = 60 * 60 * 1000


def hour_of(at_ms: int) -> int:
    """Return the hour, counted since 1970 UTC, of an instant in ms."""
    return at_ms // HOUR_MS


def object_key(prefix: str, hour: int, tp: TopicPartition, first_offset: int, suffix: str) -> str:
    """Return the key of the object that begins with a record; the hour is counted since 1970 UTC.

    Partitions are named as in Hive: query engines know year, month, day and hour of the key.
    """
    at = datetime_of(hour * HOUR_MS)
    folder = f"year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}"
    name = f"{tp.topic}-{tp.partition}-{first_offset}{suffix}"
    return "/".join(filter(None, (prefix.strip("/"), folder, name)))
