"""Filter dry run: rules and lines in, what would become of the lines, and why, out."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, field

from dataflow.engine.lone_surrogates import replace_lone_surrogates
from dataflow.errors import InvalidEvent
from dataflow.stages.filter_rules import FilterRules

EXAMPLES = 3
EXAMPLE_CHARACTERS = 500
LINES_A_LOOK = 1_000
"""Between two checks of the clock."""


class DryRun(msgspec.Struct, forbid_unknown_fields=True):
    """What rules would make of lines; `lines` = `kept` + all of `dropped` + all of `dead_lettered`."""

    lines: int = 0
    kept: int = 0
    dropped: Annotated[Counter[str], Meta(description="By rule, in their order; 0: it drops none")] = field(
        default_factory=Counter
    )
    dead_lettered: Annotated[Counter[str], Meta(description="By reason")] = field(default_factory=Counter)
    outputs: Annotated[Counter[str], Meta(description="By topic, if outputs are named")] = field(
        default_factory=Counter
    )
    examples: Annotated[dict[str, list[str]], Meta(description="The first lines that each rule drops")] = (
        field(default_factory=dict)
    )
    matched: Annotated[
        dict[str, list[dict[str, str | None]]],
        Meta(description="Of each of these lines the fields by which the rule drops it; null: missing"),
    ] = field(default_factory=dict)
    complete: Annotated[bool, Meta(description="false: the time was up before the last line")] = True


def try_rules(
    rules: FilterRules,
    lines: Iterable[bytes | None],
    in_time: Callable[[], bool],
    dry_run: DryRun | None = None,
) -> DryRun:
    """Judge lines by rules until `in_time()` is false, and add them to `dry_run`; nothing is sent."""
    dry_run = dry_run or DryRun()
    for rule in rules.rules:  # one that drops nothing is shown, too: its field may be misspelt
        dry_run.dropped.setdefault(rule.name, 0)
    dropped_by = rules.dropped_by
    for number, raw in enumerate(lines):
        if number % LINES_A_LOOK == 0 and not in_time():
            dry_run.complete = False
            break
        dry_run.lines += 1
        try:
            raw = raw and replace_lone_surrogates(raw)  # noqa: PLW2901 - as the agent judges it
            verdict = dropped_by(raw)
        except InvalidEvent as fault:
            dry_run.dead_lettered[fault.reason.value] += 1
            continue
        if isinstance(verdict, str):
            _note_drop(dry_run, rules, verdict, raw or b"")
        else:
            dry_run.kept += 1
            dry_run.outputs.update(verdict or ())
    return dry_run


def _note_drop(dry_run: DryRun, rules: FilterRules, rule: str, raw: bytes) -> None:
    dry_run.dropped[rule] += 1
    if dry_run.dropped[rule] <= EXAMPLES:
        dry_run.examples.setdefault(rule, []).append(raw.decode(errors="replace")[:EXAMPLE_CHARACTERS])
        dry_run.matched.setdefault(rule, []).append(
            {
                name: None if value is None else str(value)[:EXAMPLE_CHARACTERS]
                for name, value in rules.matched(rule, raw).items()
            }
        )
