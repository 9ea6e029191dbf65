"""`make chaos`: a campaign of faults against brokers, workers and sinks at work; one table out."""

import shutil
import sys
import tempfile
import traceback
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from random import SystemRandom

from chaos.campaign.campaign import SILENT_SECONDS, Plan, Progress, Step, draw, run
from chaos.campaign.registry import all_faults
from chaos.campaign.report import Report, as_markdown
from chaos.campaign.running import running_site
from chaos.campaign.shrinking import shrink


def main() -> int:
    """Break it, mend it, and check that nothing is lost, doubled or miscounted."""
    chosen = _chosen()
    if chosen.list:
        for name, fault in all_faults().items():
            print(f"{name:<20} {(fault.__doc__ or '').splitlines()[0]}")
        return 0
    steps = chosen.sequence or draw(chosen.faults, chosen.seed, chosen.only)
    plan = Plan(steps, chosen.seed, chosen.every, chosen.rate, chosen.silent)
    if _passes(plan):
        return 0
    if chosen.shrink:
        short = shrink(steps, lambda some: not _passes(replace(plan, steps=some)))
        print(f"The shortest sequence that fails: --sequence '{' '.join(map(str, short))}'", file=sys.stderr)
    return 1


def _chosen() -> Namespace:
    parser = ArgumentParser(prog="make chaos", description=main.__doc__)
    any_seed = SystemRandom().randrange(1_000_000)
    parser.add_argument("--faults", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=any_seed, help="repeats a campaign; unset: any")
    parser.add_argument("--every", type=int, default=10, help="check all after so many faults (10)")
    parser.add_argument("--rate", type=int, default=60, help="events a second, to each of three streams (60)")
    parser.add_argument(
        "--silent", type=float, default=SILENT_SECONDS, help="fail if silent for longer (30 s)"
    )
    parser.add_argument("--only", default="", help="draw from these faults only: kill_broker,scale")
    parser.add_argument("--sequence", default="", help="do exactly this: 'kill_broker:17 scale:3'")
    parser.add_argument("--shrink", action="store_true", help="find a short sequence that fails; takes long")
    parser.add_argument("--list", action="store_true", help="show all faults, and end")
    chosen = parser.parse_args()
    chosen.only = [name for name in chosen.only.split(",") if name]
    chosen.sequence = [Step.parse(text) for text in chosen.sequence.split()]
    named = {*chosen.only, *(step.fault for step in chosen.sequence)}
    if unknown := named - all_faults().keys():
        parser.error(f"{', '.join(sorted(unknown))}; expected some of {', '.join(all_faults())}")
    return chosen


def _passes(plan: Plan) -> bool:
    """Run a campaign; keep its folder only if it fails."""
    folder = Path(tempfile.mkdtemp(prefix="dataflow-chaos-"))
    report = Report(plan)
    try:
        run(
            plan,
            running_site(folder, plan.seed, plan.per_second),
            Progress(report.on_struck, report.on_checked),
        )
    except Exception as error:  # noqa: BLE001  # whatever it is, the campaign has failed
        traceback.print_exception(error)
        report.failed(error, folder)
        return False
    table = as_markdown(report.struck, report.records, plan.seed)
    print(table, file=sys.stdout if sys.stdout.isatty() else sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
