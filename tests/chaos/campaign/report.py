"""The report of a campaign: a line for each fault, on a terminal or as JSON, and one table at the end."""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from chaos.campaign.campaign import Plan, Struck


class Report:
    """Writes what happens as it happens."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._is_terminal = sys.stdout.isatty()
        self.struck: list[Struck] = []
        self.records = 0

    def on_struck(self, number: int, struck: Struck) -> None:
        """Show a fault that is over."""
        self.struck.append(struck)
        self._write(
            f"{number:>4}/{len(self._plan.steps)} {struck.step!s:<32} broken {struck.broken_seconds:5.1f} s, "
            f"silent {struck.silent_seconds:5.1f} s after it",
            fault=struck.step.fault,
            seed=struck.step.seed,
            number=number,
            broken_seconds=round(struck.broken_seconds, 2),
            silent_seconds=round(struck.silent_seconds, 2),
        )

    def on_checked(self, number: int, records: int) -> None:
        """Show a check that has passed."""
        self.records = max(self.records, records)
        if number:
            text = f"     after {number} faults: {records:,} records, each in one place and counted once"
            self._write(text, checked_after=number, records=records)

    def failed(self, error: BaseException, folder: object) -> None:
        """Show what has gone wrong, and how to repeat it."""
        sequence, said = " ".join(map(str, self._plan.steps)), str(error) or repr(error)
        text = (
            f"FAILED with --seed {self._plan.seed}, after {len(self.struck)} faults; logs: {folder}\n"
            f"sequence: {sequence}\n{said}"
        )
        self._write(
            text,
            failed=said,
            seed=self._plan.seed,
            sequence=sequence,
            after=len(self.struck),
            folder=str(folder),
        )

    def _write(self, text: str, **fields: object) -> None:
        print(text if self._is_terminal else json.dumps(fields), flush=True)


def as_markdown(struck: Sequence[Struck], records: int, seed: int) -> str:
    """Return one table of all faults."""
    by_fault: dict[str, list[Struck]] = defaultdict(list)
    for each in struck:
        by_fault[each.step.fault].append(each)
    lines = [
        f"{len(struck)} faults, seed {seed}: {records:,} records, none lost, doubled or miscounted.",
        "",
        "| fault | times | silent after it, s: median | longest |",
        "|---|---|---|---|",
    ]
    for fault, times in sorted(by_fault.items()):
        silent = [each.silent_seconds for each in times]
        lines.append(
            f"| {fault.replace('_', ' ')} | {len(times)} | {median(silent):.1f} | {max(silent):.1f} |"
        )
    return "\n".join(lines) + "\n"
