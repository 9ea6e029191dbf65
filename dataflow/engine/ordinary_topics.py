"""Ordinary topics and tables beside batches: topics that must be there, and their numbers of partitions."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import faust
from faust.exceptions import PartitionsMismatch

from dataflow.engine.topic import OrdinaryTopic
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin, with_admin


async def prepare_ordinary(app: faust.App, connection: Mapping[str, object]) -> None:
    """Let tables, and topics that Faust makes, have as many partitions as the topics of ordinary agents.

    Faust's own default fits them by chance only, and a table of another number cannot be counted. Where the
    topics differ, and where the app names a number, nothing is changed. Raises `Misconfigured` for a topic
    that is missing.
    """
    agents = dict(_topics_of_agents(app))
    if not agents:
        return

    async def work(admin: Admin) -> tuple[dict[str, int], set[str]]:
        """Count their partitions; some topics may be hidden from us."""
        counts = await admin.partition_counts(agents)
        return counts, await admin.hidden(agents.keys() - counts.keys())

    counts, hidden = await with_admin(connection, work)
    for topic in sorted(agents.keys() - counts.keys() - hidden):
        raise Misconfigured(
            f"topic {topic} of agent {agents[topic]} does not exist on {connection['bootstrap_servers']}; "
            "expected it to be there. Create it, or declare it with internal=True, and Faust does so"
        )
    if len({*counts.values()}) == 1 and not cast("Any", app.conf).has_own_partitions:
        # Faust would take it for set, and warn if it has been read before.
        object.__setattr__(app.conf, "topic_partitions", next(iter(counts.values())))


def _topics_of_agents(app: faust.App) -> Iterator[tuple[str, str]]:
    """Yield the topics that have to be there, each with its agent; Faust makes internal ones."""
    for agent in app.agents.values():
        channel = agent.channel
        if isinstance(channel, OrdinaryTopic) and not channel.internal and not channel.pattern:
            for topic in channel.topics:
                yield topic, agent.name


class OrdinaryTable(faust.Table[Any, Any]):
    """Faust's table; one that cannot be counted stops the worker, instead of its agent at each event."""

    def _verify_source_topic_partitions(self, source_topic: str) -> None:
        try:
            super()._verify_source_topic_partitions(source_topic)
        except PartitionsMismatch as error:
            consumer = self.app.consumer
            wanted = consumer.topic_partitions(source_topic)
            fault = Misconfigured(
                f"changelog {self.changelog_topic_name} of table {self.name} has "
                f"{consumer.topic_partitions(self.changelog_topic_name)} partitions; expected {wanted}, as "
                f"topic {source_topic}, which it counts. Set partitions={wanted} of the table, and delete "
                "its changelog"
            )
            cast("Any", self.app).engine.on_bug(fault)
            raise fault from error
