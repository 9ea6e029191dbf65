"""Filter dry run: rules and lines in, what would become of the lines, and why, out."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dataflow.errors import InvalidEvent
from dataflow.stages.filter_rules import FilterRules

EXAMPLES = 3
EXAMPLE_CHARACTERS = 500
LINES_A_LOOK = 1_000
"""Between two checks of the clock."""


@dataclass(slots=True)
class DryRun:
    """What would become of lines; `lines` = `kept` + all of `dropped` + all of `dead_lettered`."""

    lines: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """By rule."""
    dead_lettered: Counter[str] = field(default_factory=Counter)
    """By reason."""
    outputs: Counter[str] = field(default_factory=Counter)
    """Lines for each topic, if outputs are named."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """The first lines that each rule drops."""
    is_complete: bool = True
    """False: the time was up before the last line."""

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "lines": self.lines,
            "kept": self.kept,
            "dropped": dict(self.dropped),
            "dead_lettered": dict(self.dead_lettered),
            "outputs": dict(self.outputs),
            "examples": self.examples,
            "complete": self.is_complete,
        }


def try_rules(rules: FilterRules, lines: Iterable[bytes | None], in_time: Callable[[], bool]) -> DryRun:
    """Judge lines by rules, until `in_time()` is false; nothing is sent anywhere."""
    dry_run = DryRun()
    dropped_by = rules.dropped_by
    for number, raw in enumerate(lines):
        if number % LINES_A_LOOK == 0 and not in_time():
            dry_run.is_complete = False
            break
        dry_run.lines += 1
        try:
            verdict = dropped_by(raw)
        except InvalidEvent as fault:
            dry_run.dead_lettered[fault.reason.value] += 1
            continue
        if isinstance(verdict, str):
            _note_drop(dry_run, verdict, raw)
        else:
            dry_run.kept += 1
            dry_run.outputs.update(verdict or ())
    return dry_run


def _note_drop(dry_run: DryRun, rule: str, raw: bytes | None) -> None:
    dry_run.dropped[rule] += 1
    if dry_run.dropped[rule] <= EXAMPLES:
        text = (raw or b"").decode(errors="replace")
        dry_run.examples.setdefault(rule, []).append(text[:EXAMPLE_CHARACTERS])
