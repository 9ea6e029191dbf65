"""Follower: keeps the last version of a document in use on this worker."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from mode import Service

from dataflow.catalogue.declared import CHANGED_WHILE_IT_RUNS
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import until_answered
from dataflow.kafka.clients import backoff
from dataflow.kafka.errors import BROKER_AWAY, KafkaError
from dataflow.kafka.topic_ids import TopicRow
from dataflow.logs import get_log
from dataflow.rules.version import (
    Authorship,
    Document,
    Version,
    VersionConflict,
    VersionLog,
    open_version_log,
    put_version,
)
from dataflow.topics import wait_for_topics

log = get_log(__name__)

T = TypeVar("T")

_SEEDED_BY = f"worker on {socket.gethostname()}, from its file"

# New versions come at once; to ask more often is most of what an idle worker costs.
WAIT_SECONDS = 5.0
FOLLOW_WAIT_MS = 2_000
LEADER_POLL_SECONDS = 2.0


class Dependents(NamedTuple):
    """Those that need a document: they are held while its topic has no leader, and no version is in use."""

    hold: Callable[[], None] = lambda: None
    release: Callable[[], None] = lambda: None


class Follower(Service, Generic[T]):
    """Keeps `current`, which is replaced as a whole: read it once for each batch.

    It reads the topic to its end before the worker gets its first partition, and writes `seed` as the first
    version if there is none. Where the topic has no leader it does so later, and its dependents wait.
    A version that cannot be used is refused, and the old one stays in use.
    """

    def __init__(
        self,
        document: Document,
        connection: Mapping[str, object],
        app_id: str,
        *,
        compile: Callable[[Version], T],  # noqa: A002  # the word for it
        seed: Callable[[], bytes | None] = lambda: None,
        prepare: Callable[[T], Awaitable[None]] | None = None,
    ) -> None:
        """`seed` returns the first version or None; `prepare` raises `Misconfigured` to refuse a version."""
        super().__init__()
        self.document = document
        self.connection = connection
        self.app_id = app_id
        self.version: Version | None = None  # the version in use; None before the start
        self._compile = compile
        self._seed = seed
        self._prepare = prepare
        self.dependents = Dependents()
        self._current: T | None = None
        self._changed = asyncio.Condition()
        self._topic_id: str | None = None
        self._partitions: int | None = None  # as they were told of last

    @property
    def current(self) -> T:
        """The compiled version in use."""
        assert self._current is not None, f"{self.document.name} are read before the worker starts"
        return self._current

    async def on_start(self) -> None:
        """Read the topic to its end; wait for a broker that is unavailable. Raises `Misconfigured`."""
        [declared] = [topic for topic in CHANGED_WHILE_IT_RUNS if topic.name == self.document.topic]
        await wait_for_topics(self.connection, [declared])
        await until_answered(self.connection, self._begin_if_led)

    async def _begin_if_led(self) -> None:
        """Hold what needs this document if its topic has no leader, and it is no election; else begin."""
        async with open_version_log(self.connection, self.document) as versions:
            is_led = await versions.is_led()
        if is_led:
            await self._begin()
        else:
            self.dependents.hold()

    async def _begin_when_led(self, versions: VersionLog) -> None:
        """Begin after the start of the worker, which runs all that does not need this document."""
        while not await versions.has_leader():
            await self.sleep(LEADER_POLL_SECONDS)
            if self.should_stop:
                return
        await self._begin()
        self.dependents.release()

    async def _begin(self) -> None:
        """Use the last version, which may be that of the seed."""
        versions = await self._read()
        seed = self._seed()
        if seed is not None and not versions.highest:
            await self._write_first(seed)
            versions = await self._read()
        if versions.fault is not None and not versions.last.number:
            raise versions.fault
        await self._use(versions.last)
        log.info("Version is in use.", document=self.document.name, version=versions.last.number)

    async def _write_first(self, seed: bytes) -> None:
        try:
            await put_version(self.connection, self.app_id, self.document, seed, 0, Authorship(_SEEDED_BY))
        except VersionConflict:
            log.info("Another worker has written the first version.", document=self.document.name)
        except BROKER_AWAY:
            raise  # it is waited for
        except KafkaError as error:
            raise Misconfigured(
                f"broker has answered {error!r} to the first {self.document.name}; expected one with "
                f"transactions that lets this user write to {self.document.topic}"
            ) from error

    async def wait_for(self, number: int, seconds: float) -> None:
        """Wait until this version or a later one is in use, or the time is up."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.version and self.version.number >= number)
        except TimeoutError:
            log.warning("Version is not in use yet.", document=self.document.name, version=number)

    async def _read(self) -> VersionLog:
        async with open_version_log(self.connection, self.document) as versions:
            row = await versions.topic()
            self._topic_id = row and row.topic_id
            return await versions.read_to_end()

    async def _use(self, version: Version) -> None:
        compiled = self._compile(version)
        if self._prepare is not None:
            await self._prepare(compiled)
        async with self._changed:
            self._current, self.version = compiled, version
            self._changed.notify_all()

    @Service.task
    async def _follow(self) -> None:
        pauses = backoff()
        while not self.should_stop:
            try:
                async with open_version_log(self.connection, self.document, FOLLOW_WAIT_MS) as versions:
                    if self.version is None:
                        await self._begin_when_led(versions)
                    while not self.should_stop and not await self._is_made_anew(versions):
                        await self._apply(await versions.read_more(WAIT_SECONDS))
                        pauses = backoff()
            except Misconfigured as fault:
                if self.version is None:
                    raise  # as at the start: there is nothing to go on with
                self._refuse(fault)
            except (KafkaError, OSError) as error:
                log.warning("Topic cannot be read; trying again.", topic=self.document.topic, error=error)
                await self.sleep(next(pauses))

    async def _is_made_anew(self, versions: VersionLog) -> bool:
        """Begin again if the topic is another one, as a worker that starts now: all use the same version."""
        row = await versions.topic()
        self._tell_of(row)
        if row is None or row.topic_id in {None, self._topic_id}:
            return False
        log.error("Topic was deleted and created again; what it holds now counts.", topic=self.document.topic)
        await self._begin()
        return True

    def _tell_of(self, row: TopicRow | None) -> None:
        """Say, once, that new versions do not come here, or may not."""
        count = None if row is None else len(row.partitions)
        if count == self._partitions:
            return
        self._partitions = count
        if count == 0:
            log.warning("Topic is missing; the version in use stays.", topic=self.document.topic)
        elif count is not None and count > 1:
            log.warning(
                "Topic has more than one partition; versions are read from the first one only.",
                topic=self.document.topic,
                partitions=count,
            )

    async def _apply(self, versions: VersionLog) -> None:
        if versions.fault is not None:
            self._refuse(versions.fault)
            versions.fault = None
        if self.version is None or versions.last.offset <= self.version.offset:
            return  # an older version, while the topic is read again
        try:
            await self._use(versions.last)
        except Misconfigured as fault:
            self._refuse(fault)
        else:
            log.info("New version is in use.", document=self.document.name, version=versions.last.number)

    def _refuse(self, fault: Misconfigured) -> None:
        log.error(
            "New version is refused; the old one stays in use.", document=self.document.name, error=fault
        )
