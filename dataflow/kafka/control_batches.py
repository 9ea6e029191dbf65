"""Control batches, by which a broker ends transactions: compaction may leave an empty one."""

from aiokafka.consumer import fetcher
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch


class PartitionRecords(fetcher.PartitionRecords):
    """Takes an empty control batch as an empty batch, as Kafka's own clients do (KAFKA-7467)."""

    def _contains_abort_marker(self, next_batch: DefaultRecordBatch) -> bool:
        marker = next(next_batch, None)  # aiokafka raises KafkaError for None
        return marker is not None and ControlRecord.parse(marker.key) == ABORT_MARKER


fetcher.PartitionRecords = PartitionRecords  # of every consumer; aiokafka asks nobody which class to take
