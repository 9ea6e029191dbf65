"""Layout of the archive: hour, origin of the first record in; the key of an object out."""

from datetime import UTC, datetime, timedelta

from aiokafka.structs import TopicPartition

HOUR_MS = 60 * 60 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def hour_of(at_ms: int) -> int:
    """Return the hour, counted since 1970 UTC, of an instant in ms."""
    return at_ms // HOUR_MS


def object_key(prefix: str, hour: int, tp: TopicPartition, first_offset: int, suffix: str) -> str:
    """Return the key of the object that begins with a record; the hour is counted since 1970 UTC.

    Hive's way of naming partitions: query engines find year, month, day and hour in it.
    """
    at = _EPOCH + timedelta(hours=hour)
    folder = f"year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}"
    name = f"{tp.topic}-{tp.partition}-{first_offset}{suffix}"
    return "/".join(filter(None, (prefix.strip("/"), folder, name)))
