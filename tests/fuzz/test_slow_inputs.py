"""Slow inputs are reported with their target, and kept; others are not."""

from itertools import count
from pathlib import Path

from fuzz.slow_inputs import SLOW_SECONDS, SlowInputs

WORK_SECONDS = 1e-4


class Machine:
    """A clock that goes on by work, in place of time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return what time it is."""
        return self.seconds

    def linear(self, raw: bytes) -> None:
        """Work once a byte."""
        self.seconds += len(raw) * WORK_SECONDS

    def quadratic(self, raw: bytes) -> None:
        """Work once for each two bytes."""
        self.seconds += len(raw) ** 2 * WORK_SECONDS


def test_a_walk_that_is_not_linear_is_reported_and_kept(tmp_path: Path, capsys):
    """Four kilobytes of `[["` and quotes took three seconds, and no crash said so."""
    machine = Machine()
    slow = SlowInputs(tmp_path, machine)
    for size in (10, 100, 1_000):
        slow.run("linear", machine.linear, b"a" * size)
        slow.run("quadratic", machine.quadratic, b"a" * size)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in said] == ["quadratic"] * 2
    assert {name: round(seconds) for name, seconds in slow.slowest.items()} == {"quadratic": 100}
    assert sorted(len(kept.read_bytes()) for kept in tmp_path.iterdir()) == [100, 1_000]


def test_an_input_that_was_slow_once_is_none(tmp_path: Path, capsys):
    """The machine had something else to do."""
    machine, runs = Machine(), count()

    def target(_: bytes) -> None:
        machine.seconds += 2 * SLOW_SECONDS if next(runs) == 0 else 0.0

    SlowInputs(tmp_path, machine).run("target", target, b"a")
    assert (capsys.readouterr().out, list(tmp_path.iterdir())) == ("", [])
