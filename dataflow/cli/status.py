"""`dataflow status`: streams, workers and sinks of a cluster at one glance, as they are now."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli.tables import Worker
from dataflow.cli.terminal import page, people_read, print_json, table_of
from dataflow.errors import DataflowError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from dataflow.sinks.status import SinkState

Answer = Mapping[str, Any]
Answers = Mapping[str, Answer]
"""What a worker answers, by the path; `error` stands for what it does not."""

PATHS = ("streams", "workers", "sinks")
Once = Annotated[bool, typer.Option("--once", help="Show it once and end.")]
Every = Annotated[float, typer.Option(metavar="SECONDS", min=0.5, max=3_600, help="Seconds between updates.")]


def status(url: Worker = None, once: Once = False, every: Every = 2.0) -> None:
    """Show streams, workers and sinks live.

    It shows lag, freshness (how long the oldest event that is not counted yet has been in Kafka),
    checkpoints, recovery and partitions. You can ask any worker: it answers for the whole cluster. Ctrl-C
    ends it.

    With --once, or in a pipe, it is shown once; in a pipe the output is JSON. The exit code is then 1 if a
    partition has no worker, a worker is not ready, or a stream or sink has a problem.

    \b
    Example:
      dataflow status
      dataflow status --once --url https://events.example.com
      dataflow status | jq '.workers.workers[] | {url, not_ready}'
    """
    from dataflow.cli.worker_client import address_of

    address = address_of(url)
    if once or not people_read():
        answers = _ask_all(address, fails=True)
        faults = faults_of(answers)
        if people_read():
            page().print(_screen(answers))
        else:
            print_json({**answers, "faults": faults})
        if faults:
            raise typer.Exit(1)
        return
    _follow(lambda: _screen(_ask_all(address)), every)


def _follow(screen: Callable[[], "RenderableType"], every: float) -> None:
    from rich.live import Live

    try:
        with Live(screen(), console=page(), screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(screen(), refresh=True)
    except KeyboardInterrupt:
        return


def _ask_all(address: str, *, fails: bool = False) -> Answers:
    """Return all answers; one that does not come is an error of its own, unless the first one `fails`."""
    from dataflow.cli.worker_client import ask

    answers: dict[str, Answer] = {}
    for path in PATHS:
        try:
            answers[path] = ask(address, path)
        except DataflowError as error:
            if fails and not answers:
                raise
            answers[path] = {"error": str(error)}
    return answers


def faults_of(answers: Answers) -> list[str]:
    """Return what is not as it should be, each in a sentence."""
    faults = [answer["error"] for answer in answers.values() if "error" in answer]
    faults += (
        f"stream {topic} pauses: {state['pause']['detail']}"
        for topic, state in answers["streams"].get("states", {}).items()
        if state["pause"]
    )
    return [*faults, *_faults_of_workers(answers["workers"]), *_faults_of_sinks(answers["sinks"])]


def _faults_of_workers(answer: Answer) -> Iterator[str]:
    for worker in answer.get("workers", ()):
        if worker["not_ready"] is not None:
            yield f"worker {worker['url']} is not ready: {worker['not_ready']}"
    for silent in answer.get("silent", ()):
        yield f"worker {silent['url']} {silent['reason']}"
    for topic, numbers in answer.get("unowned", {}).items():
        yield f"partitions {', '.join(map(str, numbers))} of {topic} have no worker"


def _faults_of_sinks(answer: Answer) -> Iterator[str]:
    for sink in answer.get("sinks", ()):
        if sink["retrying_since"]:
            yield f"sink {sink['name']} retries since {sink['retrying_since']}: {sink['last_error']}"
        elif not sink["workers"]:
            yield f"sink {sink['name']} has no worker"


def _screen(answers: Answers) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from dataflow.cli.sinks import table_of_sinks

    tables: list[RenderableType] = []
    if "states" in answers["streams"]:
        tables.append(_streams(answers["streams"]))
    if "workers" in answers["workers"]:
        tables.append(_workers(answers["workers"]))
    if answers["sinks"].get("sinks"):
        tables.append(table_of_sinks(_sinks(answers["sinks"])))
    return Group(*tables, *(Text(fault, style="yellow") for fault in faults_of(answers)))


def _sinks(answer: Answer) -> "list[SinkState]":
    import msgspec

    from dataflow.sinks.status import SinkState

    return msgspec.convert(answer["sinks"], list[SinkState])


def _streams(answer: Answer) -> "Table":
    rows = []
    for topic, state in answer["states"].items():
        totals, lag, partitions = (answer[name][topic] for name in ("streams", "lag", "partitions"))
        found = f"{len(partitions['answered'])}/{len(partitions['answered']) + len(partitions['missing'])}"
        counts = (totals[name] for name in ("received", "sent", "dropped", "dead_lettered"))
        rows.append((topic, state["state"], found, lag["records"], lag["seconds"], *counts))
    columns = ("stream", "state", "partitions", "lag", "freshness (s)", "received", "sent", "dropped", "dead")
    return table_of(columns, rows)


def _workers(answer: Answer) -> "Table":
    columns = (
        "worker", "role", "state", "partitions", "lag",
        "checkpoint (ms)", "last, UTC", "tables (MiB)", "waits for",
    )  # fmt: skip
    rows = []
    for worker in answer["workers"]:
        engine, checkpoints = worker["engine"] or {}, worker["checkpoints"]
        lag = sum(partition["lag_records"] for partition in worker["partitions"])
        state = engine.get("state", "ready" if worker["not_ready"] is None else "not ready")
        rows.append((
            worker["url"], worker["role"], state, len(worker["partitions"]), lag, checkpoints["last_ms"],
            _clock_time(checkpoints["last_at"]), worker["state_memory_bytes"] >> 20,
            engine.get("awaited") or worker["not_ready"],
        ))  # fmt: skip
    return table_of(columns, rows)


def _clock_time(at: str | None) -> str | None:
    """Return hours, minutes and seconds of an instant: a checkpoint is of a moment ago."""
    return at and at[11:19]
