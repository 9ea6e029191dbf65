"""`dataflow plan`: says what a rate of events needs, by measured figures."""

from typing import Annotated

import typer

from dataflow.cli.terminal import notes, page, people_read, print_json, table_of
from dataflow.errors import Misconfigured, expected_one_of

Rate = Annotated[
    float,
    typer.Option(
        "--events-per-second",
        metavar="RATE",
        min=1,
        max=100_000_000,
        help="Highest rate that workers must keep up with.",
    ),
]
WHOLE_FROM = 1_000
"""From here on a fraction says nothing more."""

StreamName = Annotated[
    str, typer.Option("--stream", metavar="STREAM", help="Stream, as in `dataflow ingest --as`.")
]


def plan(events_per_second: Rate, stream: StreamName) -> None:
    """Calculate what a rate of events needs.

    The result has workers, partitions, memory, changelog and recovery time. It is calculated from measured
    figures (docs/benchmarks.md) and a reserve; each line shows both. Plan each stream and add the results.
    Streams can share one group of workers, or have one each (DATAFLOW_STREAMS); see docs/scaling.md. In a
    pipe the output is JSON.

    \b
    Example:
      dataflow plan --events-per-second 20000 --stream access-logs
      dataflow plan --events-per-second 5000 --stream cdn-logs | jq .needs
    """
    from dataflow.cli.plan.figures import measured_figures
    from dataflow.cli.plan.sizing import plan_of
    from dataflow.settings import settings

    figures = measured_figures()
    if stream not in figures.streams:
        raise Misconfigured(
            f"--stream is '{stream}', which is not measured; {expected_one_of(figures.streams, stream)}"
        )
    current = settings()
    needs = plan_of(stream, events_per_second, figures, current.state_memory_bytes, current.in_flight_bytes)
    if not people_read():
        print_json({"stream": stream, "events_per_second": events_per_second, "needs": needs})
        return
    rows = [(need.what, f"{_shown(need.value)} {need.unit}".strip(), need.because) for need in needs]
    page().print(table_of(("need", "how much", "because"), rows))
    notes().print("Measured on one machine. Measure yours with `make bench`.", style="dim")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE_FROM else f"{value:g}"
