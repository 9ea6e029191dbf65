"""Frames of live streams: what changes together goes out together; a page costs little whatever changes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from dataflow.web import live, live_answers
from dataflow.web.live import frames_of

ADDRESSES = 20


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Have answers be asked for all the time; return a list of who was checked to be let in still."""
    checked: list[object] = []

    async def stays_open(http: object) -> bool:
        checked.append(http)
        return True

    monkeypatch.setattr(live_answers, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(live_answers, "MOST_SECONDS", 0.001)
    monkeypatch.setattr(live, "stays_open", stays_open)
    monkeypatch.setattr(live, "not_ready_for", lambda: None)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.5)
    monkeypatch.setattr(live, "GATHER_SECONDS", 0.2)
    return checked


class Number:
    """An answer that is another one each time."""

    def __init__(self) -> None:
        self.value = 0

    async def ask(self) -> object:
        """Answer."""
        self.value += 1
        return {"value": self.value}


def frames() -> AsyncGenerator[bytes, None]:
    """Return the frames of a page that shows many answers, which all change all the time."""
    http: Any = SimpleNamespace()
    return frames_of(http, [(f"/{n}", Number().ask) for n in range(ADDRESSES)], [], monotonic() + 60)


async def test_what_changes_together_goes_out_together(checks: list[object]):
    """Fifty pages with twenty answers each would else be written to a thousand times a second."""
    written, has_all = 0, False
    async with asyncio.timeout(60), aclosing(frames()) as sent:
        async for frame in sent:
            has_all = has_all or frame.count(b"event: answer") == ADDRESSES
            written += 1
            if written >= 20 and has_all:
                break
    assert has_all


async def test_a_page_is_written_to_and_checked_no_more_often_than_it_has_to_be(checks: list[object]):
    """Whatever changes: by the clock of the loop, so that a busy machine changes nothing."""
    times, beats = [], 0
    async with asyncio.timeout(60), aclosing(frames()) as sent:
        async for frame in sent:
            times.append(monotonic())
            beats += frame.count(b"event: beat")
            if beats == 3:
                break
    assert len(checks) == beats
    assert times[-1] - times[0] >= 2 * 0.5
    settled = [time for time in times if time - times[0] > 0.3]
    assert len(settled) <= 3 * (0.5 / 0.2 + 1)


async def test_a_new_page_has_its_first_answers_at_once(
    checks: list[object], monkeypatch: pytest.MonkeyPatch
):
    """Nobody waits for what is there."""
    monkeypatch.setattr(live, "GATHER_SECONDS", 3_600.0)
    monkeypatch.setattr(live, "BEAT_SECONDS", 3_600.0)
    async with asyncio.timeout(30), aclosing(frames()) as sent:
        answers = 0
        async for frame in sent:
            answers += frame.count(b"event: answer")
            if answers >= ADDRESSES:
                break
