"""The router: which worker owns which partitions, as the group's coordinator knows it."""

import asyncio
from collections.abc import Iterable
from time import monotonic

import faust
import msgspec
from faust.app.router import Router
from faust.types.assignor import HostToPartitionMap
from faust.types.core import K
from faust.types.topics import TopicT
from faust.types.web import Request, Response, Web

from dataflow.engine.assignor import Assignor
from dataflow.engine.member_data import member_data
from dataflow.engine.sibling_groups import SiblingGroups
from dataflow.engine.topology import Topology
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.group_members import GroupMember, describe_members
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.logs import get_log

log = get_log(__name__)

FRESH_SECONDS = 5.0  # a static member may come back with another address, which is no rebalance
LIMIT_SECONDS = 1.0


class GroupRouter(Router):
    """Faust's router, which asks the group for the owners after a rebalance, or after some seconds."""

    _assignor: Assignor

    def __init__(
        self, app: faust.App, producer: ManagedProducer, siblings: SiblingGroups, topology: Topology
    ) -> None:
        super().__init__(app)
        self._producer = producer
        self._siblings = siblings
        self._topology = topology
        self._asking = asyncio.Lock()
        self._generation = -1
        self._asked = 0.0

    async def refresh(self) -> None:
        """Ask the group if what is known is too old; what was known stays while it does not answer."""
        async with self._asking:
            generation = self.app.consumer_generation_id
            is_fresh = monotonic() - self._asked < FRESH_SECONDS
            if (is_fresh and generation == self._generation) or not self._producer.ready.is_set():
                return
            members = await self._members()
            self._asked = monotonic()  # also when nobody answers: not every query can wait for that
            if members is not None:
                self._generation = generation
                self._note(members)

    async def _members(self) -> list[GroupMember] | None:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                own = await describe_members(self._producer.current.client, self.app.conf.id)
                shares = any(not source.is_taken for source in self._topology.sources.values())
                return own if own is None or not shares else own + await self._siblings.members()
        except (KafkaError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log.info("Group does not say who owns which partitions; using its last answer.", error=error)
            self._generation = self.app.consumer_generation_id  # ask again when the answer is old
            return None

    def _note(self, members: Iterable[GroupMember]) -> None:
        changelogs = self.app.tables.changelog_topics
        tables: HostToPartitionMap = {}
        topics: HostToPartitionMap = {}
        for member in members:
            url = member_data(member.user_data).url
            for topic, partitions in member.partitions.items():
                owned = tables if topic in changelogs else topics
                owned.setdefault(url, {})[topic] = partitions
        self._assignor.changelog_distribution = tables
        self._assignor.external_topic_distribution = topics

    async def route_req(self, table_name: str, key: K, web: Web, request: Request) -> Response:
        """Send a request to the owner of a key, as Faust does."""
        await self.refresh()
        return await super().route_req(table_name, key, web, request)

    async def route_topic_req(self, topic: TopicT, key: K, web: Web, request: Request) -> Response:
        """Send a request to the owner of a key, as Faust does."""
        await self.refresh()
        return await super().route_topic_req(topic, key, web, request)
