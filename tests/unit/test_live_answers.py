"""Live answers: asked once for all who look, told again only when they change, not at all for nobody."""

import asyncio
import json
from http import HTTPStatus

import pytest

from dataflow.http_error import HttpError, unavailable
from dataflow.web import live_answers
from dataflow.web.live_answers import LiveAnswer, LiveAnswers


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch):
    """Ask without pauses: what is tested is not how long they are."""
    monkeypatch.setattr(live_answers, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(live_answers, "MOST_SECONDS", 0.001)


class Counter:
    """Answers with a number that a test sets, and counts how often it is asked."""

    def __init__(self) -> None:
        self.value, self.asked = 0, 0

    async def ask(self) -> object:
        """Answer."""
        self.asked += 1
        return {"value": self.value}


async def until(is_so) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


def told(answer: LiveAnswer):
    """Return what an event has."""
    name, data, *_ = answer.frame.decode().split("\n")
    assert name == "event: answer"
    return json.loads(data.removeprefix("data: "))


async def test_fifty_pages_cost_one_question_and_none_when_they_are_closed():
    """Each page that is open would else cost the worker as much as the first."""
    hub, source = LiveAnswers(), Counter()
    changed = [asyncio.Event() for _ in range(50)]
    listening = [hub.listen([("/x", source.ask)], each) for each in changed]
    answers = [each.__enter__()[0] for each in listening]
    assert len(set(map(id, answers))) == 1
    await until(lambda: all(each.is_set() for each in changed))
    assert source.asked == 1
    await until(lambda: source.asked > 3)
    for each in listening:
        each.__exit__(None, None, None)
    await asyncio.sleep(0)
    asked = source.asked
    await asyncio.sleep(0.05)
    assert source.asked <= asked + 1
    with hub.listen([("/x", source.ask)], changed[0]) as [again]:
        assert again is not answers[0]


async def test_only_what_changes_is_told():
    """A page that shows what nobody adds to is left alone."""
    hub, source, changed = LiveAnswers(), Counter(), asyncio.Event()
    with hub.listen([("/x", source.ask)], changed) as [answer]:
        await until(lambda: source.asked > 3)
        assert (answer.number, told(answer)) == (1, {"of": "/x", "status": 200, "answer": {"value": 0}})
        changed.clear()
        source.value = 1
        async with asyncio.timeout(30):
            await changed.wait()
        assert (answer.number, told(answer)["answer"]) == (2, {"value": 1})


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (unavailable("partitions are being taken over"), HTTPStatus.SERVICE_UNAVAILABLE, "being taken over"),
        (OSError("broker is away"), HTTPStatus.SERVICE_UNAVAILABLE, "broker is away"),
        (ZeroDivisionError(), HTTPStatus.INTERNAL_SERVER_ERROR, "a fault in itself"),
    ],
)
async def test_an_error_is_told_and_asked_again(error: Exception, status: HTTPStatus, text: str):
    """A page that heard nothing more would show the last numbers as those of now."""
    errors = [error]

    async def ask() -> object:
        if errors:
            raise errors.pop()
        return {}

    hub, changed = LiveAnswers(), asyncio.Event()
    with hub.listen([("/x", ask)], changed) as [answer]:
        await until(lambda: answer.number == 1)
        assert told(answer)["status"] == status
        assert text in told(answer)["answer"]["error"]
        await until(lambda: answer.number == 2)
        assert told(answer)["status"] == 200


async def test_it_says_for_how_long_an_answer_is_waited_for():
    """A worker that is frozen answers nothing, not even that it does not."""
    hub, frozen = LiveAnswers(), asyncio.Event()
    with hub.listen([("/x", frozen.wait)], asyncio.Event()) as [answer]:
        await until(lambda: answer.waits_seconds > 0.02)
        frozen.set()
        await until(lambda: answer.number == 1)


@pytest.mark.parametrize(("most", "value"), [("MOST_ANSWERS", 2), ("MOST_BYTES", 60)])
async def test_more_different_answers_than_have_room_are_refused(
    most: str, value: int, monkeypatch: pytest.MonkeyPatch
):
    """Eight hundred streams with other addresses each made a worker keep 400 MB, and ask all of them."""
    monkeypatch.setattr(live_answers, most, value)
    hub, source = LiveAnswers(), Counter()
    hub.check_room(["/a", "/b"])
    with hub.listen([("/a", source.ask), ("/b", source.ask)], asyncio.Event()) as answers:
        await until(lambda: all(answer.number for answer in answers))
        hub.check_room(["/a", "/b"])
        with pytest.raises(HttpError, match="look at 2 different answers of this worker, which") as refusal:
            hub.check_room(["/a", "/c"])
        assert (refusal.value.status, refusal.value.retry_seconds) == (429, 5.0)
    hub.check_room(["/a", "/c"])
