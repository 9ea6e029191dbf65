"""Answers: a worker in; balances and tables as it serves them for the whole cluster out."""

from functools import partial
from typing import Any

from chaos.counts import Windows, windows_of
from chaos.waiting import wait_until
from chaos.worker import Worker
from harness.pages import every_page


def ask_whole(worker: Worker, path: str, seconds: float = 60, **parameters: str) -> dict[str, Any]:
    """Return the answer of a worker once no partition is missing in it."""
    seen: list[object] = []

    def whole() -> dict[str, Any] | None:
        assert worker.process.poll() is None, worker.tail()
        status, answer = worker.ask(path, **parameters)
        seen[:] = [status, answer if status != 200 else answer["partitions"]]
        return answer if status == 200 and not missing_of(answer) else None

    return wait_until(whole, seconds, lambda: f"whole answer of {path}, but {seen}; {worker.tail()}")


def missing_of(answer: dict[str, Any]) -> list[object]:
    """Return the partitions that an answer says are missing."""
    partitions = answer["partitions"]
    if "missing" in partitions:
        return [*partitions["missing"]]
    return [(topic, number) for topic, parts in partitions.items() for number in parts["missing"]]


def ask_tables(worker: Worker) -> dict[str, Windows]:
    """Return every window of every table, as this worker serves them."""
    status, listed = worker.ask("/tables")
    assert status == 200, listed
    return {
        table["name"]: windows_of(
            {
                size: every_page(partial(ask_whole, worker), table["name"], size)["windows"]
                for size in table["windows"]
            }
        )
        for table in listed["tables"]
    }


def ask_balances(worker: Worker) -> dict[str, dict[str, object]]:
    """Return the balance of every stream, dropped and dead-lettered by rule and reason."""
    answer = ask_whole(worker, "/streams")
    return {stream: {**totals, **answer["details"][stream]} for stream, totals in answer["streams"].items()}
