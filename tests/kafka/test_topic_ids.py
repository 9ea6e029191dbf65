"""Topic ids: by them a topic that was deleted and created again is told from the one before."""

from kafka_client import KafkaClient

from dataflow.kafka.consumers import client_of, reader
from dataflow.kafka.topic_ids import topic_ids

Reached = dict[str, object]


async def test_a_topic_that_is_made_anew_has_another_id(reached: Reached, kafka: KafkaClient, topic: str):
    """Its name and its offsets may be the same: what is kept beside it would be taken for its own."""
    async with reader(reached) as consumer:
        before = await topic_ids(client_of(consumer), {topic, "nobody-made-it"})
        again = await topic_ids(client_of(consumer), {topic})
        kafka.delete_topic(topic)
        kafka.create_topics(topic, 1)
        after = await topic_ids(client_of(consumer), {topic})

    assert before.keys() == after.keys() == {topic}
    assert before == again
    assert len(before[topic]) == 32
    assert before[topic] != after[topic]
