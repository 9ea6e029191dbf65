"""The report of `make bench`: what is said of a target or a row comes from runs, or is said to be missing."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataflow.settings import Settings
from dataflow.stages.user_agent import user_agent_of

BENCH = Path(__file__).parents[1] / "bench"
SLOW_MACHINE_US, FAST_MACHINE_US = 40.0, 15.0


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Modules of the benchmark, which has a path of its own; other tests have some of the same name."""
    own = {path.stem for path in BENCH.iterdir()}
    others = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in own}
    for name in others:
        del sys.modules[name]
    monkeypatch.syspath_prepend(BENCH)
    names = (
        "access_lines",
        "contest",
        "contestants",
        "measured",
        "promise",
        "report",
        "targets",
        "peer_programs",
    )
    yield SimpleNamespace(**{name: import_module(name) for name in names})
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]
    sys.modules.update(others)


def test_every_run_has_a_name_that_an_app_may_have(bench: SimpleNamespace):
    """The shipped flows refused theirs, and with them the whole benchmark ended."""
    for contestant in bench.contestants.CONTESTANTS:
        name = bench.contest.run_name(contestant, 400_000, 2)
        assert Settings(app_id=name).app_id == name


def test_what_is_expected_of_user_agents_is_what_the_stage_tells(bench: SimpleNamespace):
    """Else no row of access logs is exact, and none has a cost."""
    told = {each["user_agent"]: each for each in bench.access_lines.told_by_line() if each}
    names = ("ua_device", "ua_os", "ua_os_version", "ua_browser", "ua_browser_version")
    for text, expected in told.items():
        found = user_agent_of(text)
        assert {name: getattr(found, name) for name in names} == {name: expected[name] for name in names}


def runs(bench: SimpleNamespace, name: str, us: float, *faults: str, number: int = 0) -> Iterator[object]:
    """Yield the two runs of a row whose events cost so many µs after a start of one second."""
    for events in (100_000, 400_000):
        yield bench.contest.Run(
            name, events, number, 1 + events * us / 1e6, 1_000.0, 100 << 20, 0.1, 0.0, True, faults
        )


def judged(bench: SimpleNamespace, target: object, *rows: tuple[object, ...]) -> list[str]:
    """Return what is said of a target after these rows."""
    made = [run for name, us, *faults in rows for run in runs(bench, name, us, *faults)]
    return target.row(bench.measured.Measured(made, []))


def ratio(bench: SimpleNamespace, **bounds: float) -> object:
    """Return a target for our cost of a job to that of a loop by hand."""
    return bench.targets.Target("A1", lambda found: found.ratio("A1-dataflow", "A1-hand"), **bounds)


@pytest.mark.parametrize(("ours", "said"), [(5.0, "reached"), (7.0, "**not reached**")])
def test_a_target_is_judged_by_what_an_event_costs(bench: SimpleNamespace, ours: float, said: str):
    """The start of a program is no cost of its events: both began with a second of it."""
    row = judged(bench, ratio(bench, most=0.6), ("A1-dataflow", ours), ("A1-hand", 10.0))
    assert row == ["A1", f"{ours / 10:g}", "≤ 0.6", said]


@pytest.mark.parametrize(
    "rows", [[], [("A1-dataflow", 5.0)], [("A1-dataflow", 5.0, "lost"), ("A1-hand", 10.0)]]
)
def test_what_was_not_measured_or_not_right_is_not_claimed(bench: SimpleNamespace, rows: list[tuple]):
    """A program that loses an event may be as cheap as it likes."""
    assert judged(bench, ratio(bench, most=0.6), *rows)[1:] == ["not measured", "≤ 0.6", "–"]


@pytest.mark.parametrize(
    ("by_hand", "said"), [(SLOW_MACHINE_US, "**not reached**"), (FAST_MACHINE_US, "reached")]
)
def test_a_fast_machine_has_the_bound_of_a_fast_one(bench: SimpleNamespace, by_hand: float, said: str):
    """A loop in C gains more by it; which machine it is the access-log loop by hand tells."""
    rows = ("A1-dataflow", 7.0), ("A1-hand", 10.0), ("B-hand", by_hand)
    assert judged(bench, ratio(bench, most=0.6, most_when_fast=0.8), *rows)[-1] == said


def test_a_machine_that_is_not_known_has_the_stricter_bound(bench: SimpleNamespace):
    """Whoever measures a job alone must not reach by that what the whole report does not."""
    rows = ("A1-dataflow", 7.0), ("A1-hand", 10.0)
    assert judged(bench, ratio(bench, most=0.6, most_when_fast=0.8), *rows)[-1] == "**not reached**"


@pytest.mark.parametrize("costs", [(10.0, 8.0, 9.0), (8.0, 9.0, 10.0)])
def test_flat_is_from_the_cheapest_to_the_dearest(bench: SimpleNamespace, costs: tuple[float, ...]):
    """Ten keys may be the dearest: every other row is flat beside it."""
    [flat] = (each for each in bench.targets.TARGETS if each.what.startswith("K: CPU"))
    rows = zip(("K-dataflow-10", "K-dataflow-1000", "K-dataflow-100000"), costs, strict=True)
    assert judged(bench, flat, *rows)[1:] == ["1.25", "≤ 1.15", "**not reached**"]


def test_cores_are_scaled_by_the_speed_of_the_machine(bench: SimpleNamespace):
    """Half a core of a machine that is half as fast is a quarter of one here."""
    found = bench.measured.Measured(
        runs(bench, "B-hand", 18.0), [bench.promise.Promise("", "", "", True, {"cores": 0.3})]
    )
    target = bench.targets.Target("S", lambda measured: measured.figure("cores"), most=0.5, scaled=True)
    assert target.row(found)[-1] == "**not reached**"


def test_a_program_that_is_not_to_be_had_is_a_row_that_says_so(bench: SimpleNamespace):
    """Without Go, Maven or an index of packages the others are measured all the same."""
    missing = bench.peer_programs.on_path("no-such-tool", "nowhere", "no-such-tool")
    rows = [
        bench.contestants.Contestant(job, "made-up", job, program, flow=None)
        for job, program in (("A1", missing), ("A2", lambda: ("true",)))
    ]
    there, why = bench.contestants.present(rows)
    assert [row.name for row in there] == ["A2-made-up"]
    said = bench.report.Report(rows, [], [], why).as_markdown()
    assert "not run: no-such-tool is not on the PATH (nowhere)" in said


def test_every_row_has_a_name_of_its_own(bench: SimpleNamespace):
    """Runs are found by it: two of one name would be one."""
    names = [contestant.name for contestant in bench.contestants.CONTESTANTS]
    assert len(names) == len(set(names))
