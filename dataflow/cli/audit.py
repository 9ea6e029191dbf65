"""`dataflow audit`: shows who has replayed, simulated, rebuilt or resumed something."""

import json
from typing import Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import page, people_read, print_json, table_of


def audit(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many entries, from the newest.")] = 50,
) -> None:
    """Show the audit log: who did what, and when.

    It has replays of dead letters, simulations, rebuilds of tables and resumed streams, the newest first.
    The authors of rules are in `dataflow rules log`. In a pipe the output is JSON.

    \b
    Example:
      dataflow audit
      dataflow audit --limit 1000 | jq '.audit[] | select(.author == "user ann")'
    """
    from dataflow.audit import read_audit

    entries = ask_broker(lambda connection: read_audit(connection, limit))
    if people_read():
        rows = [(one.at, one.author, one.action, json.dumps(one.details)) for one in entries]
        page().print(table_of(("at", "author", "action", "details"), rows))
    else:
        print_json({"audit": entries})
