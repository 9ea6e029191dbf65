"""The command that breaks peers, without its servers: what it takes, and what it refuses."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def chaos_peers(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command; it finds the programs of the benchmark by its path."""
    path = os.pathsep.join(map(str, (TESTS.parent, TESTS, TESTS / "bench")))
    return subprocess.run(
        [sys.executable, "-m", "chaos.peers", *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_names_the_programs_that_it_can_break():
    """A program that left the benchmark would otherwise be missing from the table without a word."""
    shown = chaos_peers("--help")
    assert shown.returncode == 0, shown.stderr
    for program in ("dataflow", "kafka-streams", "kafka-streams-eos", "quix", "faust"):
        assert program in shown.stdout


def test_a_fault_that_needs_something_of_ours_is_refused():
    """A peer has no filter rules: the fault would break nothing, and the peer would look strong."""
    refused = chaos_peers("--only", "change_rules")
    assert refused.returncode == 2
    assert "change_rules; expected some of kill_enricher" in refused.stderr
