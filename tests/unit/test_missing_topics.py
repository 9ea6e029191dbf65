"""Topics that a broker does not know yet when a group is assigned its partitions."""

from dataflow.kafka import consumers
from dataflow.kafka.consumers import find_topics


class YoungBroker:
    """Stands in for aiokafka's consumer, client and cluster: it knows its topics after some questions."""

    def __init__(self, questions: int) -> None:
        self._client = self.cluster = self
        self._closed = False
        self.questions = questions

    def subscription(self) -> frozenset[str]:
        """Return what is subscribed to."""
        return frozenset({"expedia", "cdn-logs"})

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Return the partitions of a topic; None while it is not known."""
        return {0, 1} if self.questions <= 0 else None

    async def force_metadata_update(self) -> bool:
        """Answer one question."""
        self.questions -= 1
        return True


async def test_it_asks_until_the_broker_knows_all_topics(monkeypatch):
    """A leader without them assigns nothing to anybody, and nothing would move for minutes."""
    monkeypatch.setattr(consumers, "METADATA_PAUSE_SECONDS", 0)
    broker = YoungBroker(3)
    await find_topics(broker)
    assert broker.questions == 0


async def test_it_asks_nothing_where_all_are_known():
    """This is so at every other assignment."""
    broker = YoungBroker(0)
    await find_topics(broker)
    assert broker.questions == 0


async def test_a_consumer_that_is_closed_asks_no_more(monkeypatch):
    """A worker that stops while its broker is away must end."""
    monkeypatch.setattr(consumers, "METADATA_PAUSE_SECONDS", 0)
    broker = YoungBroker(9)
    broker._closed = True
    await find_topics(broker)
    assert broker.questions == 9
