"""`dataflow doctor`: checks everything that a worker needs, and says what to do."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import page, people_read, print_json
from dataflow.errors import Misconfigured, expected_one_of

if TYPE_CHECKING:
    from dataflow.cli.doctor.finding import Finding

STYLES = {"ok": "green", "warning": "yellow", "error": "red"}
NAME_WIDTH = 13

Role = Annotated[
    str | None, typer.Option(metavar="ROLE", help="Check the rights of this role; default: DATAFLOW_ROLE.")
]


def doctor(role: Role = None) -> None:
    """Check everything that a worker needs, and say what to do.

    It checks settings, folders, broker, rights, topics, sinks, workers, clock and formats. Run it where a
    worker runs, with the same settings. It changes nothing: rights are checked with requests that have no
    effect. A check that fails does not stop the others.

    The exit code is 1 if there is an error, for example if no broker can be reached. Warnings do not
    change it. In a pipe the output is JSON.

    \b
    Example:
      dataflow doctor
      dataflow doctor --role enrich
      dataflow doctor | jq '.findings[] | select(.level != "ok")'
    """
    from dataflow.cli.doctor.finding import Level
    from dataflow.provisioning.kafka_acls import RIGHTS

    if role is not None and role not in RIGHTS:
        raise Misconfigured(f"--role is '{role}'; {expected_one_of(RIGHTS, role)}")
    findings = asyncio.run(_examine(role))
    levels = [finding.level for finding in findings]
    if not people_read():
        counts = {level.value: levels.count(level) for level in Level}
        print_json({"findings": findings, "counts": counts})
    if Level.ERROR in levels:
        raise typer.Exit(1)


async def _examine(role: str | None) -> "list[Finding]":
    """Return all findings; people see each at once."""
    from dataflow.cli.doctor.examination import examine

    findings = []
    async for finding in examine(role):
        findings.append(finding)
        if people_read():
            _show(finding)
    return findings


def _show(finding: "Finding") -> None:
    console, style = page(), STYLES[finding.level]
    told = f"{finding.level.value:8} {finding.check:{NAME_WIDTH}} {finding.found}"
    console.print(told, style=style, soft_wrap=True, highlight=False)
    for what, text in (("expected", finding.expected), ("to do", finding.remedy)):
        if text:
            console.print(f"{what:>{NAME_WIDTH + 9}} {text}", soft_wrap=True, highlight=False)
