"""Types of aiokafka, under the names by which all other rooms know them."""

from aiokafka import AIOKafkaConsumer as Consumer
from aiokafka import ConsumerRebalanceListener as RebalanceListener
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition

__all__ = [
    "BatchBuilder",
    "Consumer",
    "ConsumerRecord",
    "OffsetAndMetadata",
    "RebalanceListener",
    "TopicPartition",
]
