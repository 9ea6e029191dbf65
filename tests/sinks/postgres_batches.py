"""Batches for PostgreSQL: requests and bookings of any day, as records of one partition."""

import asyncio
import json

from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition

from dataflow.sinks.contract import SinkBatch
from dataflow.sinks.postgres.sink import PostgresSink

ARRIVED_MS = 1_800_000_000_000  # 2027-01-15T08:00:00Z
ACCESS_LOGS_PARSED = "access-logs-parsed"

Value = dict[str, object] | bytes | None


def a_record(value: Value, offset: int = 0) -> DefaultRecord:
    """Return a record that came in 2027."""
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return DefaultRecord(offset, ARRIVED_MS, 0, None, raw, [])


def a_batch(topic: str, *values: Value, first: int = 0, partition: int = 3) -> SinkBatch:
    """Return a batch of a partition."""
    records = [a_record(value, first + number) for number, value in enumerate(values)]
    return SinkBatch(TopicPartition(topic, partition), records, first + len(records))


def a_request(**chosen: object) -> dict[str, object]:
    """Return one request of an access log, of 2015."""
    return {"ts": "2015-05-17T10:05:03Z", "ip": "83.149.9.216", "endpoint": "/", "status": 200} | chosen


def a_booking(**chosen: object) -> dict[str, object]:
    """Return a booking whose check-in is no date."""
    numbers = (
        "id user_id site_name user_location_country user_location_region user_location_city is_mobile "
        "is_package channel srch_adults_cnt srch_children_cnt srch_rm_cnt srch_destination_id "
        "srch_destination_type_id"
    )
    return dict.fromkeys(numbers.split(), 1) | {
        "hotel_id": 2**40,
        "date_time": "2014-08-11 07:46:59",
        "srch_ci": "no date",
        "stay_category": "Short stay",
        **chosen,
    }


async def stop_maintenance(sink: PostgresSink) -> None:
    """Stop what runs beside the batches, so that a test decides when it happens."""
    assert sink._maintenance is not None
    sink._maintenance.cancel()
    await asyncio.wait([sink._maintenance])
    sink._maintenance = None
