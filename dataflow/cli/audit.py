"""`dataflow audit`: who has replayed dead letters, simulated events, rebuilt tables or resumed streams."""

import json
from typing import Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import page, people_read, print_json, table_of


def audit(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Only so many, the newest.")] = 50,
) -> None:
    """Show who has asked for what, and when; the newest first.

    Replays of dead letters, simulations, rebuilt tables and resumed streams are in it.
    `dataflow rules log` has the authors of rules. In a pipe the output is JSON.

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
