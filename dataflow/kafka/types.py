"""Types of aiokafka, under the names by which all other rooms know them."""

from aiokafka import AIOKafkaConsumer as Consumer
from aiokafka import ConsumerRebalanceListener as RebalanceListener
from aiokafka.client import AIOKafkaClient as Connections
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment as MemberAssignment
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata as MemberMetadata
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition

__all__ = [
    "BatchBuilder", "ClusterMetadata", "Connections", "Consumer", "ConsumerRecord", "MemberAssignment",
    "MemberMetadata", "OffsetAndMetadata", "RebalanceListener", "TopicPartition",
]  # fmt: skip
