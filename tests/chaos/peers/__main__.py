"""`make chaos-peers`: the same faults to the same job by other programs; one table out."""

import json
import shutil
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from chaos.campaign.campaign import Step, draw
from chaos.peers.campaign import APPLIES, Outcome, run
from contestant import Contestant
from rows.stays import STAYS

COUNTED = {
    row.who: row
    for row in STAYS
    if row.job == "A2" and row.who in ("dataflow", "kafka-streams", "kafka-streams-eos", "quix", "faust")
}
HEAD = (
    "program", "faults", "bookings", "lost", "doubled", "wrong windows", "longest silence, s", "stuck",
    "ended by itself",
)  # fmt: skip


def main() -> int:
    """Break the same job by several programs in the same way; bookings in, enriched and counted by hour."""
    chosen = _chosen()
    steps = draw(chosen.faults, chosen.seed, chosen.only or APPLIES)
    outcomes = [_outcome(COUNTED[who], steps, chosen.rate) for who in chosen.programs]
    print(as_markdown(outcomes, chosen.seed))
    ours = [outcome for who, outcome in zip(chosen.programs, outcomes, strict=True) if who == "dataflow"]
    return int(any(outcome.lost or outcome.doubled or outcome.wrong_windows for outcome in ours))


def as_markdown(outcomes: Iterable[Outcome], seed: int) -> str:
    """Return a row for each program."""
    rows = [
        (
            each.title, each.faults, f"{each.bookings:,}", f"{each.lost:,}", f"{each.doubled:,}",
            f"{each.wrong_windows:,} of {each.windows:,}", f"{each.silent_seconds:.1f}", each.stuck,
            each.crashes,
        )
        for each in outcomes
    ]  # fmt: skip
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    return "\n".join([f"Seed {seed}.", "", *(f"| {' | '.join(map(str, line))} |" for line in lines), ""])


def _chosen() -> Namespace:
    parser = ArgumentParser(prog="make chaos-peers", description=main.__doc__)
    parser.add_argument("--programs", default=",".join(COUNTED), help=f"some of these ({', '.join(COUNTED)})")
    parser.add_argument("--faults", type=int, default=15, help="how many, the same for each (15)")
    parser.add_argument("--seed", type=int, default=1, help="decides which, and in which order (1)")
    parser.add_argument("--rate", type=int, default=200, help="bookings a second (200)")
    parser.add_argument("--only", default="", help=f"draw from these faults only ({', '.join(APPLIES)})")
    chosen = parser.parse_args()
    chosen.programs, chosen.only = chosen.programs.split(","), [*filter(None, chosen.only.split(","))]
    for words, known in ((chosen.programs, COUNTED), (chosen.only, APPLIES)):
        if unknown := [word for word in words if word not in known]:
            parser.error(f"{', '.join(unknown)}; expected some of {', '.join(known)}")
    return chosen


def _outcome(contestant: Contestant, steps: list[Step], rate: int) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{contestant.who}-"))
    outcome = run(contestant, steps, folder, rate, lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(asdict(outcome)), file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
