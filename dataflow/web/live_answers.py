"""Live answers: what pages look at is asked once for all of them, again and again while anybody looks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from time import monotonic
from typing import Final

from dataflow.errors import DataflowError
from dataflow.http_error import OWN_FAULT, HttpError, overloaded
from dataflow.kafka.errors import KafkaError
from dataflow.logs import get_log
from dataflow.web.event_stream import event

log = get_log(__name__)

EVERY_SECONDS: Final = 1.0
MOST_SECONDS: Final = 10.0
IDLE_SHARE: Final = 40
"""All answers together are waited for so many times less long than nothing is asked."""
MOST_ANSWERS: Final = 2_000
MOST_BYTES: Final = 64 << 20
"""Different answers that are kept for those who look at them; pages that show the same share them."""

Ask = Callable[[], Awaitable[object]]


class LiveAnswer:
    """The newest answer of one address, and who is told of it."""

    def __init__(self, address: str, ask: Ask) -> None:
        self.address = address
        self.ask = ask
        self.frame = b""
        self.number = 0
        """Another one after each change; 0: nothing has been answered yet."""
        self.listeners = set[asyncio.Event]()
        self.task: asyncio.Task[None] | None = None
        self._asked_at: float | None = None

    @property
    def waits_seconds(self) -> float:
        """For how long it has been asked without an answer."""
        return 0.0 if self._asked_at is None else monotonic() - self._asked_at

    async def refresh(self) -> float:
        """Ask once; return the seconds until the answer."""
        began = self._asked_at = monotonic()
        try:
            self._tell(answer_frame(self.address, HTTPStatus.OK, await self.ask()))
        except HttpError as error:
            self._tell(error_frame(self.address, error.status, str(error)))
        except (DataflowError, KafkaError, OSError) as error:
            self._tell(error_frame(self.address, HTTPStatus.SERVICE_UNAVAILABLE, str(error)))
        except Exception:  # the outermost edge: pages must see that it fails, and when it no longer does
            log.exception("Live answer has failed.", address=self.address)
            self._tell(error_frame(self.address, HTTPStatus.INTERNAL_SERVER_ERROR, OWN_FAULT))
        self._asked_at = None
        return monotonic() - began

    def _tell(self, frame: bytes) -> None:
        if frame != self.frame:
            self.frame, self.number = frame, self.number + 1
            for listener in self.listeners:
                listener.set()


class LiveAnswers:
    """The answers that somebody looks at now."""

    def __init__(self) -> None:
        self._by_address: dict[str, LiveAnswer] = {}

    def check_room(self, addresses: Sequence[str]) -> None:
        """Raise `HttpError` if these would be too many answers, besides those that are looked at."""
        added = sum(address not in self._by_address for address in addresses)
        kept = sum(len(answer.frame) for answer in self._by_address.values())
        if added and (len(self._by_address) + added > MOST_ANSWERS or kept > MOST_BYTES):
            raise overloaded(
                f"pages look at {len(self._by_address):,} different answers of this worker, which take "
                f"{kept >> 20} MiB; expected at most {MOST_ANSWERS:,}, and {MOST_BYTES >> 20} MiB",
                retry_seconds=5.0,
            )

    @contextmanager
    def listen(self, asks: Sequence[tuple[str, Ask]], changed: asyncio.Event) -> Iterator[list[LiveAnswer]]:
        """Keep answers up to date, and set `changed` when one is another."""
        answers = [self._begin(address, ask, changed) for address, ask in asks]
        try:
            yield answers
        finally:
            for answer in answers:
                self._end(answer, changed)

    def _begin(self, address: str, ask: Ask, changed: asyncio.Event) -> LiveAnswer:
        answer = self._by_address.setdefault(address, LiveAnswer(address, ask))
        answer.listeners.add(changed)
        if answer.task is None:
            answer.task = asyncio.create_task(self._keep(answer))
        return answer

    def _end(self, answer: LiveAnswer, changed: asyncio.Event) -> None:
        answer.listeners.discard(changed)
        if not answer.listeners and self._by_address.get(answer.address) is answer:
            del self._by_address[answer.address]
            if answer.task is not None:
                answer.task.cancel()

    async def _keep(self, answer: LiveAnswer) -> None:
        while True:
            took = await answer.refresh()
            pause = IDLE_SHARE * took * len(self._by_address)
            await asyncio.sleep(min(max(EVERY_SECONDS, pause), MOST_SECONDS))


def answer_frame(address: str, status: HTTPStatus, answer: object) -> bytes:
    """Return an answer as an event of a stream."""
    return event("answer", {"of": address, "status": int(status), "answer": answer})


def error_frame(address: str, status: HTTPStatus, error: str) -> bytes:
    """Return why there is no answer, as an event of a stream."""
    return answer_frame(address, status, {"error": error})
