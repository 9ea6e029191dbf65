"""The router: which worker owns which partitions, as the group's coordinator knows it."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import faust
from faust.app.router import Router
from faust.types.assignor import HostToPartitionMap
from faust.types.core import K
from faust.types.topics import TopicT
from faust.types.web import Request, Response, Web

from dataflow.engine.assignor import Assignor
from dataflow.engine.member_data import member_data
from dataflow.engine.sibling_groups import SiblingGroups
from dataflow.engine.topology import Topology
from dataflow.errors import UNREADABLE
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.group_members import GroupMember, describe_members
from dataflow.logs import get_log

log = get_log(__name__)

FRESH_SECONDS = 5.0  # a static member may come back with another address, which is no rebalance
OBSERVED_SECONDS = 1.0  # who is in no group learns of no rebalance
LIMIT_SECONDS = 1.0


class GroupRouter(Router):
    """Faust's router, which asks the group for the owners after a rebalance, or after some seconds."""

    _assignor: Assignor

    def __init__(
        self, app: faust.App, siblings: SiblingGroups, topology: Topology, *, is_observer: bool
    ) -> None:
        """`is_observer`: the app takes no partitions, so that all of its groups own some."""
        super().__init__(app)
        self._siblings = siblings
        self._topology = topology
        self._is_observer = is_observer
        self._error: BaseException | None = None
        self._asking = asyncio.Lock()
        self._generation = -1
        self._asked = 0.0
        self.urls: frozenset[str] = frozenset()
        """Where all members listen, also those without partitions, as far as the group has told."""

    async def refresh(self) -> None:
        """Ask the group if what is known is too old; what was known stays while it does not answer."""
        async with self._asking:
            generation = self.app.consumer_generation_id
            fresh_seconds = OBSERVED_SECONDS if self._is_observer else FRESH_SECONDS
            is_fresh = monotonic() - self._asked < fresh_seconds
            if (is_fresh and generation == self._generation) or self._siblings.connected.client is None:
                return
            members = await self._members()
            self._asked = monotonic()  # also when nobody answers: not every query can wait for that
            if members is not None:
                self._generation = generation
                self._note(members)

    async def _members(self) -> list[GroupMember] | None:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                own = await describe_members(self._siblings.client, self.app.conf.id)
                others = [] if own is None or not self._shares else await self._siblings.members()
            self._error = None
            return None if own is None else own + others
        except (KafkaError, OSError, TimeoutError, *UNREADABLE) as error:
            if type(error) is not type(self._error):
                log.info("Group does not say who owns which partitions; using its last answer.", error=error)
            self._error = error
            self._generation = self.app.consumer_generation_id  # ask again when the answer is old
            return None

    @property
    def _shares(self) -> bool:
        """Whether other groups of this app own partitions, too."""
        return self._is_observer or len(self._topology.taken) < len(self._topology.sources)

    def _note(self, members: Sequence[GroupMember]) -> None:
        self.urls = frozenset(member_data(member.user_data).url for member in members)
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
