"""`dataflow backup` and `dataflow restore`: what no source holds again, into a file and back."""

from pathlib import Path
from typing import Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import people_read, print_json, say

NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="A new file; it is for you alone.")]
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file of `dataflow backup`.")]


def backup(file: NewFile) -> None:
    """Keep in a file what nobody sends again.

    Rules, UTM sources, what was read of inputs, and the audit log: they are in compacted topics, or
    kept for years, and nobody sends them again. All else is in topics
    with a retention, is counted anew from these, or is in the systems of the sinks: docs/backup.md. Workers
    may run meanwhile. In a pipe the output is JSON.

    \b
    Example:
      dataflow backup dataflow-2026-01-31.ndjson
    """
    from dataflow.backup import KEPT, backed_up, write_backup

    records = ask_broker(backed_up)
    write_backup(file, records)
    _show({topic: sum(record.topic == topic for record in records) for topic in KEPT}, "written")


def restore(file: BackupFile) -> None:
    """Write a backup into a new cluster.

    All or nothing. Run `dataflow topics` first, and start workers after it: topics that hold records
    are refused. Versions of
    rules keep their numbers and authors; their time becomes that of the restore. The audit log stays in the
    file, as its times could not be kept. In a pipe the output is JSON.

    \b
    Example:
      dataflow topics
      dataflow restore dataflow-2026-01-31.ndjson
    """
    from dataflow.backup import read_backup
    from dataflow.backup import restore as restore_records
    from dataflow.settings import settings

    records, app_id = list(read_backup(file)), settings().app_id
    _show(ask_broker(lambda connection: restore_records(connection, app_id, records)), "restored")


def _show(counts: dict[str, int], done: str) -> None:
    if not people_read():
        print_json({done: counts})
        return
    for topic, count in counts.items():
        say(f"{count:,} records of {topic} {done}")
