"""`dataflow backup` and `dataflow restore`: what no source can send again, to a file and back."""

from pathlib import Path
from typing import Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import people_read, print_json, say

NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="A new file, which only you can read.")]
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file that `dataflow backup` wrote.")]


def backup(file: NewFile) -> None:
    """Back up what no source can send again.

    The file holds the rules, the UTM sources, how far inputs have been read, and the audit log. Everything
    else is in topics with a retention, can be counted again from them, or is in the systems of the sinks;
    see docs/backup.md. Workers can run at the same time. In a pipe the output is JSON.

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

    Everything is restored, or nothing. Run `dataflow topics` first and start workers afterwards: topics
    that already hold records are refused. Versions of rules keep their numbers and authors, but get the
    time of the restore. The audit log is not restored, because its times could not be kept. In a pipe the
    output is JSON.

    \b
    Example:
      dataflow topics
      dataflow restore dataflow-2026-01-31.ndjson
    """
    from dataflow.backup import read_backup
    from dataflow.backup import restore as restore_records
    from dataflow.settings import settings

    records, app_id = read_backup(file), settings().app_id
    _show(ask_broker(lambda connection: restore_records(connection, app_id, records)), "restored")


def _show(counts: dict[str, int], done: str) -> None:
    if not people_read():
        print_json({done: counts})
        return
    for topic, count in counts.items():
        say(f"{count:,} records of {topic} {done}")
