"""Topics that another worker has just made: a broker may answer that they exist before it lists them."""

from collections.abc import Collection, Iterable, Mapping

from dataflow import topics
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.kafka.admin import NewTopic
from dataflow.topics import Difference, _ensure

CONFIGS = {"cleanup.policy": "delete"}


class SlowBroker:
    """Says of every topic that it exists, and lists it with three partitions from the third question on."""

    def __init__(self, listed_from: int) -> None:
        self._questions, self._listed_from = 0, listed_from

    async def partition_counts(self) -> dict[str, int]:
        """Return what is listed so far."""
        self._questions += 1
        return {"week": 3} if self._questions >= self._listed_from else {}

    async def hidden(self, _names: Collection[str]) -> set[str]:
        """Return none: all may be seen."""
        return set()

    async def create_topics(self, _topics: Iterable[NewTopic]) -> tuple[str, ...]:
        """Make none: each is there already."""
        return ()

    async def readable_configs(self, wanted: Mapping[str, Collection[str]]) -> dict[str, dict[str, str]]:
        """Return what was declared."""
        return {name: dict(CONFIGS) for name in wanted}


async def test_a_topic_that_others_have_just_made_is_not_missing():
    """A busy broker had the second of two workers warn of it, and `dataflow topics` end with 1."""
    week = DeclaredTopic("week", "", configs=CONFIGS, partitions=3)
    report = await _ensure(SlowBroker(listed_from=4), [week], create=True)
    assert (report.created, report.differences) == ((), ())


async def test_a_topic_that_never_appears_is_missing(monkeypatch):
    """A check that waits without end would tell nobody; one that makes nothing does not wait at all."""
    monkeypatch.setattr(topics, "KNOWN_SECONDS", 0)
    week = DeclaredTopic("week", "", configs=CONFIGS, partitions=3)
    for create in (True, False):
        report = await _ensure(SlowBroker(listed_from=1_000), [week], create=create)
        assert report.differences == (Difference("week", "partitions", "3", None),)
