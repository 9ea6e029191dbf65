"""What is wrong with a command line or its streams: one line in one style, never a traceback."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness.command_tree import every_command, leaves

from dataflow.cli.program import run
from dataflow.errors import Misconfigured, missing_topic

STYLE = re.compile(r"\S+ is .+; expected .+", re.DOTALL)
NUMBERS = [
    (path, max(param.opts, key=len))
    for path, command in leaves().items()
    for param in command.params
    if param.param_type_name == "option" and not param.is_flag and param.type_descriptor.is_ranged
]
VALUES = [
    (path, param)
    for path, command in leaves().items()
    for param in command.params
    if not getattr(param, "is_flag", False)
]


def _shown_id(part: object) -> str:
    return " ".join(part) if isinstance(part, tuple) else str(getattr(part, "name", part))


PLAN = ("plan", "--events-per-second", "1", "--stream", "bookings")
DATAFLOW = f"{sys.executable} -m dataflow"


def refusal(*arguments: str) -> str:
    """Return how a command line is refused."""
    with pytest.raises(Misconfigured) as raised:
        run(arguments)
    assert STYLE.fullmatch(str(raised.value)), raised.value
    return str(raised.value)


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_an_option_that_does_not_exist_is_refused_alike_everywhere(path: tuple[str, ...]):
    """The parser of the command line had words and a form of its own, six lines of them."""
    program = " ".join(("dataflow", *path))
    assert refusal(*path, "--helpp") == (
        f"option is '--helpp'; expected {options_of(path)}; did you mean '--help'?; see `{program} --help`"
    )


def options_of(path: tuple[str, ...]) -> str:
    """Return the options of a command, as an error lists them."""
    command = every_command()[path]
    names = [name for param in command.params for name in param.opts if name.startswith("--")]
    *others, last = [*names, "--help"]
    return f"{', '.join(others)} or {last}" if others else last


@pytest.mark.parametrize(("path", "option"), NUMBERS, ids=lambda part: " ".join(part) if part else "")
def test_every_number_is_refused_with_what_it_may_be(path: tuple[str, ...], option: str):
    """`Input should be a valid integer, unable to parse string as an integer` is no sentence for people."""
    for text in ("x", "-1"):
        assert re.match(
            f"{option} is '{text}'; expected a (whole )?number of at ", refusal(*path, option, text)
        )


@pytest.mark.parametrize("group", [path for path in every_command() if path not in leaves()], ids=" ".join)
def test_a_command_that_does_not_exist_is_refused_with_all_that_do(group: tuple[str, ...]):
    """`No such command` left a reader to look for the list."""
    told = refusal(*group, "nope")
    assert all(name in told for name in every_command()[group].commands)


@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_what_is_missing_or_too_much_is_named(path: tuple[str, ...]):
    """An argument, an option that has to be given, or one word too many."""
    params = leaves()[path].params
    takes_all = any(param.param_type_name == "argument" and param.nargs == -1 for param in params)
    if any(param.required for param in params):
        assert " is missing; expected " in refusal(*path)
    elif not takes_all:
        assert "expected no more arguments" in refusal(*path, "1", "2", "3")


def test_what_is_missing_keeps_its_capitals():
    """`expected jSON` is no word."""
    assert refusal("rules", "put").startswith("FILE is missing; expected JSON; ")
    assert refusal("backup").startswith("FILE is missing; expected a new file, ")


def test_a_dash_is_no_command():
    """It was told as `argument is ''; expected no more arguments`."""
    assert refusal("rules", "-").startswith("command is '-'; expected show, ")


def shell(line: str, *, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line of the shell."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        env={**environment, "DATAFLOW_DATA_DIR": str(tmp_path)},
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"{DATAFLOW} {' '.join(PLAN)} >/dev/full", errno.ENOSPC),
        (f"{DATAFLOW} --help >/dev/full", errno.ENOSPC),
        (f"{DATAFLOW} {' '.join(PLAN)} >&-", errno.EBADF),
        (f"{DATAFLOW} apply stay-category <&-", errno.EBADF),
        (f"yes | head -3 | {DATAFLOW} apply stay-category --dead-letters /dev/full", errno.ENOSPC),
        (f"yes | head -3 | {DATAFLOW} apply access-log --explain >/dev/full", errno.ENOSPC),
    ],
)
def test_a_stream_that_cannot_be_used_is_told_in_a_line(line: str, why: int, tmp_path: Path):
    """A full disk was a traceback of forty lines, and a closed stdout one about `NoneType`."""
    done = shell(line, tmp_path=tmp_path)
    *counts, told = done.stderr.splitlines()
    assert told.startswith(f"reading or writing has failed ({os.strerror(why)}); expected ")
    assert done.returncode == 1
    assert all(line.startswith("{") for line in counts)


@pytest.mark.parametrize("command", ["formats", "generate bookings --to stdout"])
def test_a_reader_that_has_had_enough_is_no_fault(command: str, tmp_path: Path):
    """`| head` ends it without a word, and a script with `pipefail` goes on."""
    done = shell(f"{DATAFLOW} {command} | (read -r line; echo ${{#line}})", tmp_path=tmp_path)
    assert done.returncode == 0
    assert int(done.stdout) > 0
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_without_stderr_results_are_still_written(tmp_path: Path):
    """As a service manager may start it."""
    done = shell(f"{DATAFLOW} {' '.join(PLAN)} 2>&-", tmp_path=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('{"stream":"bookings"')


def test_programs_get_utf_8_whatever_the_locale(tmp_path: Path):
    """JSON has to be: `µ` was a traceback where the locale has none."""
    line = f"PYTHONIOENCODING=ascii {DATAFLOW} {' '.join(PLAN)}"
    done = shell(line, tmp_path=tmp_path)
    assert done.returncode == 0
    assert "µs" in done.stdout


def test_an_argument_may_be_no_text_at_all(tmp_path: Path):
    """Names of files are bytes."""
    done = shell(f"{DATAFLOW} apply stay-category $'/nope\\xff'", tmp_path=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("FILE is '/nope\\udcff'; expected a file that can be read")


ODD = "\udcff"  # as Python reads a byte that is not UTF-8


@pytest.mark.parametrize(
    "command",
    [
        ("tables", ODD, "--url", "http://localhost:1"),
        ("streams", "resume", ODD, "--url", "http://localhost:1"),
        ("acl", "enrich", "--format", "json", "--principal", f"User:{ODD}"),
    ],
    ids=" ".join,
)
def test_no_argument_is_a_traceback_for_its_bytes(command: tuple[str, ...]):
    """`UnicodeEncodeError` came out of urllib, msgspec or aiokafka."""
    assert ascii(ODD) in refusal(*command) or ascii(ODD)[1:-1] in refusal(*command)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("tables", "rebuild"), "TABLE is missing; expected "),
        (("tables", "--top", "3"), "NAME is missing; expected a table, "),
        (("tables", "--key", "x"), "NAME is missing; expected a table, "),
        (("tables", "x", "--from-now"), "--from-now is given without `rebuild`; expected "),
        (("tables", "rebuild", "x", "--window", "day"), "--window is given with `rebuild`; expected "),
        (("tables", "x", "--from", "soon"), "--from is 'soon'; expected an ISO 8601 date or date-time"),
        (("tables", "x", "--from", "2026-02-01", "--to", "2026-01-31"), "--from is '2026-02-01'; expected "),
        (("topics", "--check", "--grow"), "--grow is given with --check, which changes nothing; expected "),
        (("tables", "x", "y"), "TABLE is 'y' after 'x'; expected it only after `rebuild`"),
        (("acl", "--principal", "alice"), "--principal is 'alice'; expected TYPE:NAME "),
        (("acl", "--principal", "User:a\nb"), r"--principal is 'User:a\nb'; expected TYPE:NAME "),
        (("acl", "--principal", "User:a", "--format", "strimzi"), "--principal is 'User:a' with --format "),
        (("secrets", "init", "x", "--mounted", "run"), "--mounted is 'run'; expected an absolute path, "),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_before_anything_is_asked(command: tuple[str, ...], told: str):
    """Options were ignored, `tables rebuild` asked for a table of that name, and principals were any text."""
    assert refusal(*command).startswith(told)


def test_a_topic_that_is_not_there_is_told_with_what_was_meant():
    """`rules dry-run` and `generate` did not tell which there are, nor `produce` which was meant."""
    assert str(missing_topic("expdia", ["expedia", "cdn-logs", "__consumer_offsets"])) == (
        "topic is 'expdia'; expected cdn-logs or expedia; did you mean 'expedia'?; "
        "`dataflow topics` makes the declared ones"
    )
    assert "there is none yet" in str(missing_topic("expedia", ["__consumer_offsets"]))


@pytest.mark.parametrize(("path", "param"), VALUES, ids=_shown_id)
def test_nothing_is_done_with_a_value_that_is_empty(path: tuple[str, ...], param):
    """Of a variable that is not set: `ingest "$LOG"` read the current folder, `--to ""` was ignored."""
    given = (max(param.opts, key=len), "") if param.param_type_name == "option" else ("",)
    told = refusal(*path, *given)
    assert re.match(
        r"\S+ is ''; expected a value \(is a variable of the shell not set\?\); see `dataflow ", told
    )


READS_A_PIPE = """
import asyncio, os
import dataflow.cli
from dataflow.cli.kafka import run_with_broker

async def read():
    print("reading", flush=True)
    await asyncio.to_thread(os.read, 0, 1)

dataflow.cli._run = lambda _: run_with_broker({"bootstrap_servers": ["nowhere:1"]}, read())
dataflow.cli.main()
"""


def test_ctrl_c_ends_a_command_that_reads_a_pipe():
    """`tail -f log | dataflow produce …` went on until the pipe ended, however often it was pressed."""
    with subprocess.Popen(
        [sys.executable, "-c", READS_A_PIPE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout.readline() == b"reading\n"
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 130
        assert command.stderr.read() == b""
