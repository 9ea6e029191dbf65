"""Workers: whether each is reached at the address that it advertises, from here and from each other one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from dataflow.cli.doctor.finding import Examined, Finding, error, ok, warning
from dataflow.cli.worker_client import ask
from dataflow.engine.member_data import MemberData
from dataflow.engine.sibling_groups import siblings_of
from dataflow.errors import UNREADABLE, DataflowError

CHECK = "workers"
ADVERTISE = "set DATAFLOW_ADVERTISED_HOST to a name that the others can reach; check network policies"


async def worker_urls(examined: Examined) -> list[str]:
    """Return where the members of the groups of the app serve, as they have told their group."""
    app_id = examined.settings.app_id
    groups = [app_id, *siblings_of(app_id, app_id, await examined.admin.groups())]
    members = [member for group in groups for member in await examined.admin.members(group) or ()]
    urls = set()
    for member in members:
        try:
            urls.add(msgspec.json.decode(member.user_data, type=MemberData).url)
        except UNREADABLE:  # another program is in the group: the worker itself tells
            continue
    return sorted(urls)


async def workers(examined: Examined) -> AsyncIterator[Finding]:
    """Ask each worker which others it reaches, and how it gets on."""
    urls = await worker_urls(examined)
    if not urls:
        yield warning(
            CHECK,
            f"group {examined.settings.app_id} has no workers",
            "at least one",
            "start `dataflow worker`, with the same DATAFLOW_BROKER and DATAFLOW_APP_ID",
        )
    answers = await asyncio.gather(*(asyncio.to_thread(_ask, url) for url in urls))
    for url, answer in zip(urls, answers, strict=True):
        for finding in _findings(url, answer):
            yield finding


def _ask(url: str) -> dict[str, Any] | DataflowError:
    try:
        return ask(url, "workers")
    except DataflowError as fault:
        return fault


def _findings(url: str, answer: dict[str, Any] | DataflowError) -> Iterator[Finding]:
    if isinstance(answer, DataflowError):
        expected = "an answer at the address that it advertises, to a token or a secret of role read"
        yield warning(CHECK, str(answer), expected, ADVERTISE)
        return
    for silent in answer["silent"]:
        found = f"worker {url} does not reach {silent['url']}: {silent['reason']}"
        yield error(CHECK, found, "that all workers reach each other", ADVERTISE)
    own = next((each for each in answer["workers"] if each["url"] == url), None)
    if own is None:
        found = f"at {url}, which a worker advertises, another worker answers"
        yield error(CHECK, found, "an address of that worker alone", ADVERTISE)
    elif own["not_ready"] is not None:
        remedy = "look for this state in docs/operations.md, and into the log of the worker"
        yield error(CHECK, f"worker {url} is not ready: {own['not_ready']}", "a worker that is ready", remedy)
    else:
        reached = len(answer["workers"]) - 1
        yield ok(CHECK, f"worker {url} ({own['role']}) is ready, and reaches {reached} others")
