"""`dataflow apply`: every line ends in one place, and nothing is made up or lost."""

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from expected_stays import expected_stay_counts
from hypothesis import given
from hypothesis import strategies as st

from dataflow.cli.stage_run import LineCounts, run_stage
from dataflow.demo.samples import sample_filter_rules
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.lines import LINE_STAGES

SAMPLES = Path(sample_filter_rules()).parent


def by_first_letter(raw: bytes) -> list[bytes]:
    """Stand in for a stage: d drops, b is bad, 2 becomes two results."""
    match raw[:1]:
        case b"d":
            return []
        case b"b":
            raise InvalidEvent(Reason.UNPARSABLE, "it begins with b")
        case b"2":
            return [raw, raw]
        case _:
            return [raw]


def run(*lines: bytes) -> tuple[bytes, list[dict], LineCounts]:
    """Apply the stage above; return results, dead letters and balance."""
    results, letters, counts = io.BytesIO(), io.BytesIO(), LineCounts()
    run_stage("stage", by_first_letter, lines, results, letters, counts)
    return results.getvalue(), [json.loads(letter) for letter in letters.getvalue().splitlines()], counts


def dataflow(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command as people do."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", *arguments],
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
        timeout=60,
    )


@given(st.lists(st.binary() | st.sampled_from([b"d", b"b", b"2", b""])))
def test_what_came_in_is_what_went_somewhere(lines):
    """The balance holds for any bytes; results keep their order."""
    _, letters, counts = run(*lines)
    assert counts.received == len(lines)
    assert counts.received == counts.sent + counts.dropped + counts.dead_lettered
    assert len(letters) == counts.dead_lettered


@given(st.binary())
def test_a_dead_letter_has_the_exact_bytes(raw):
    """Whoever mends it needs what was sent, not a rendering."""
    _, (letter,), _ = run(b"b" + raw)
    assert base64.b64decode(letter["raw_base64"]) == b"b" + raw


def test_a_dead_letter_says_where_and_why():
    """Line numbers begin with 1, as editors do."""
    _, letters, _ = run(b"a", b"bad")
    assert letters == [
        {
            "stage": "stage",
            "reason": "unparsable",
            "detail": "it begins with b",
            "line": 2,
            "raw_base64": "YmFk",
        }
    ]


def test_an_event_of_two_results_counts_once():
    """The balance counts events, not lines written."""
    results, _, counts = run(b"2x")
    assert results == b"2x\n2x\n"
    assert counts.sent == 1


def test_stays_of_the_sample_are_the_expected_ones():
    """The whole way through the command, against counts made elsewhere."""
    done = dataflow("apply", "stay-category", str(SAMPLES / "bookings.ndjson.gz"))
    counts: dict[str, int] = {}
    for line in done.stdout.splitlines():
        category = json.loads(line)["stay_category"]
        counts[category] = counts.get(category, 0) + 1
    assert counts == {name: row["count_all"] for name, row in expected_stay_counts().items()}
    assert json.loads(done.stderr) == {
        "received": 21891,
        "sent": 21891,
        "dropped": 0,
        "dead_lettered": 0,
    }


def test_the_filter_passes_lines_byte_for_byte(tmp_path):
    """Drops are counted, garbage goes to the file, the rest is as it was."""
    letters = tmp_path / "letters"
    lines = b'{"statusCode":  "200", "reqPath": "a"}\nnot json\n\n'
    done = dataflow(
        "apply", "filter", "--rules", str(sample_filter_rules()), "--dead-letters", str(letters),
        stdin=lines,
    )  # fmt: skip
    counts = json.loads(done.stderr)
    assert counts["received"] == 3
    assert counts["dead_lettered"] == 2
    assert done.stdout in (b"", lines.splitlines(keepends=True)[0])
    assert [json.loads(line)["line"] for line in letters.read_text().splitlines()] == [2, 3]


def test_a_reader_that_has_had_enough_is_no_error():
    """`| head -1` is the first thing people type."""
    command = f"{sys.executable} -m dataflow apply stay-category {SAMPLES / 'bookings.ndjson.gz'}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -1"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert len(done.stdout.splitlines()) == 1
    assert b"Error" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stays"], "STAGE is 'stays'; expected filter, stay-category, source-category"),
        (["filter"], "expected --rules FILE"),
        (["stay-category", "/nowhere"], "FILE is '/nowhere'; expected a file that can be read"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_was_expected(arguments, told):
    """No traceback, and an exit code that scripts can tell."""
    done = dataflow("apply", *arguments)
    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_file_fails_and_still_gives_its_balance(tmp_path):
    """What came before the damage went out; who reads the numbers must know there is more."""
    broken = tmp_path / "broken.gz"
    broken.write_bytes((SAMPLES / "bookings.ndjson.gz").read_bytes()[:100_000])
    done = dataflow("apply", "stay-category", str(broken))
    counts, error = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert json.loads(counts)["received"] == len(done.stdout.splitlines()) > 0
    assert "truncated gzip" in error


def test_the_help_names_every_stage():
    """A stage that nobody can find is not there."""
    told = dataflow("apply", "--help").stdout.decode()
    assert [stage for stage in LINE_STAGES if stage not in told] == []


def test_lines_that_are_all_dead_fail_with_the_first_reasons():
    """The wrong stage, or the wrong format: a script went on with nothing."""
    done = dataflow("apply", "access-log", stdin=b"one\ntwo\nthree\nfour\n")
    counts, error = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert json.loads(counts) == {"received": 4, "sent": 0, "dropped": 0, "dead_lettered": 4}
    assert error.startswith("every line became a dead letter; line 1: unparsable: ")
    assert [number for number in range(1, 5) if f"line {number}: " in error] == [1, 2, 3]


def test_the_lines_are_never_overwritten_with_dead_letters(tmp_path):
    """The file was emptied before it was read, and the command ended with 0."""
    lines = tmp_path / "bookings.ndjson"
    lines.write_bytes(b"{}\n")
    (tmp_path / "link").symlink_to(lines)
    for file, letters in ((lines, lines), (lines, tmp_path / "link"), ("-", lines)):
        with lines.open() as stdin:
            done = subprocess.run(
                [sys.executable, "-m", "dataflow", "apply", "stay-category", file, "--dead-letters", letters],
                stdin=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        message = f"--dead-letters is '{letters}', the file of the lines; expected another"
        assert (done.returncode, done.stderr.strip()) == (2, message)
    assert lines.read_bytes() == b"{}\n"
