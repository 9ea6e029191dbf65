"""`dataflow sinks`: asks the broker how far behind each sink is, and why."""

from typing import TYPE_CHECKING

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

if TYPE_CHECKING:
    from rich.table import Table

    from dataflow.sinks.status import SinkState

sinks = CommandGroup(
    "Show what is written to PostgreSQL, CSV and other sinks.\n\n\b\nExample:\n  dataflow sinks status",
)


@sinks.callback()
def _group() -> None:
    """Keep `status` a command of its own, though it is the only one."""


@sinks.command()
def status() -> None:
    """Show the lag and the last error of each sink.

    It asks the broker, not the workers, so it answers for the whole cluster even while the workers of a
    sink are down. Buffered records are no fault: the sink has read them and will store them together with
    later ones, for example in an S3 object that still grows. In a pipe the output is JSON.

    \b
    Example:
      dataflow sinks status
      dataflow sinks status | jq '.sinks[] | select(.retrying_since)'
    """
    from dataflow.cli.kafka import ask_broker
    from dataflow.settings import settings
    from dataflow.sinks.configured import enabled_sinks
    from dataflow.sinks.status import sink_statuses

    current = settings()
    configured = {sink.name: sink.topics for sink in enabled_sinks(current)}
    statuses = ask_broker(lambda connection: sink_statuses(connection, current.app_id, configured))
    if not people_read():
        print_json({"sinks": statuses})
    elif statuses:
        page().print(table_of_sinks(statuses))
    else:
        none = "No sink is configured, and none has run yet. docs/sinks.md lists the settings of each."
        notes().print(none, soft_wrap=True)


def table_of_sinks(statuses: "list[SinkState]") -> "Table":
    """Return one row for each sink."""
    columns = (
        "sink", "workers", "lag (records)", "lag (s)", "buffered (records)", "records/s",
        "retrying since", "last error",
    )  # fmt: skip
    return table_of(
        columns,
        [
            [
                sink.name, sink.workers, _lag_of(sink), sink.lag.seconds, sink.buffered.records,
                sink.records_per_second, sink.retrying_since,
                sink.last_error and f"{sink.last_error_at} {sink.last_error}",
            ]
            for sink in statuses
        ],
    )  # fmt: skip


def _lag_of(sink: "SinkState") -> int | str:
    """Return the records of the lag; they are not all of it while a broker is away."""
    missing = sink.leaderless_partitions
    return f"{sink.lag.records} without {missing} partitions (no leader)" if missing else sink.lag.records
