"""Origins: under which name records are stored where an earlier topic had the name of theirs."""

from collections.abc import Awaitable, Callable

from dataflow.logs import get_log
from dataflow.sinks.contract import SinkBatch

log = get_log(__name__)

ID_CHARACTERS = 8

Remember = Callable[[str, str], Awaitable[str | None]]
"""Gets a topic and its id; returns the id of the first topic of that name that the system has stored.

None: the rights of the sink are too narrow to know.
"""


class Origins:
    """Names the topics of batches, for one system.

    A topic that is deleted and created again, or whose log has lost records, counts its offsets as before:
    under its own name its records would be taken for those that the system already has.
    """

    def __init__(self, remember: Remember) -> None:
        self._remember = remember
        self._first: dict[str, str] = {}
        self._told: set[str] = set()

    async def topic_of(self, batch: SinkBatch) -> str:
        """Return the name of a batch's topic, with a part of its id unless it is the first of that name.

        Raises what `Remember` does. A broker before 2.8 tells no id: then it is always the name.
        """
        topic: str = batch.tp.topic
        topic_id = batch.topic_id
        if not topic_id:
            return topic
        if topic not in self._first:
            self._first[topic] = await self._ask(topic, topic_id)
        if self._first[topic] == topic_id:
            return topic
        return self._name(topic, topic_id)

    async def _ask(self, topic: str, topic_id: str) -> str:
        first = await self._remember(topic, topic_id)
        if first is None:
            log.warning("Rights do not allow the sink to note which topic it stores.", topic=topic)
        return first or topic_id

    def _name(self, topic: str, topic_id: str) -> str:
        name = f"{topic}!{topic_id[:ID_CHARACTERS]}"  # no topic of Kafka's has this character
        if name not in self._told:
            self._told.add(name)
            log.warning(
                "Topic was created again, or has lost records; its records have another origin.", origin=name
            )
        return name
