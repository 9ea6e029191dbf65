"""Printable text: what senders sent does nothing to a terminal, and forges no line of a log."""

import json
import logging
import sys
import unicodedata
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from logging.config import dictConfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.cli import apply, dead_letters, documents, rules, sinks, streams, tables, terminal
from dataflow.cli.apply import apply as apply_stage
from dataflow.cli.worker_client import ask
from dataflow.dead_letters.json_views import DeadLetterList, DeadLetterRow
from dataflow.errors import DataflowError
from dataflow.logging_config import JsonFormatter, logging_config
from dataflow.logs import get_log
from dataflow.printable import printable, printable_json, printable_lines
from dataflow.rules.version import Version
from dataflow.settings import LogFormat, Settings
from dataflow.stages.filter_dry_run import DryRun

ROOT = Path(__file__).parents[2]
EVIL = "a\x1b]0;title\x07\x1b[2J\x9b31m\x7f\r\n\u202eb\u2066\u200f\u2028[red]:smile:\U000e0041"
"""Controls of C0 and C1, line breaks, marks of direction, markup, and an invisible tag."""


def harm(text: str) -> set[str]:
    """Return the characters of a text that do something, or that nobody sees."""
    kinds = {character: unicodedata.category(character) for character in text}
    return {one for one, kind in kinds.items() if kind[0] == "C" or kind in ("Zl", "Zp")} - {"\n", "\t"}


class Terminal(StringIO):
    """A terminal that keeps what it gets."""

    buffer = BytesIO()

    def isatty(self) -> bool:
        """Return that people read it."""
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let both streams be a terminal without colours: each escape code in it is a sender's."""
    screen = Terminal()
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1"), ("COLUMNS", "400")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


@given(st.text())
def test_every_text_becomes_printable_and_shows_what_it_was(text: str):
    """Nothing is left out: an escape is what Python writes, in JSON what JSON writes."""
    assert not harm(printable(text))
    assert "\n" not in printable(text)
    assert not harm(printable_lines(text))
    assert printable_lines(text).count("\n") == text.count("\n")
    if "\\" not in text:
        shown = printable(text)
        assert shown.encode("latin-1", "backslashreplace").decode("unicode_escape") == text


@given(st.text())
def test_json_stays_the_same_value(text: str):
    """It is read by programs, too."""
    line = printable_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert not harm(line)
    assert json.loads(line) == {text: [text]}


def test_what_people_write_is_not_changed():
    """An escape is for what cannot be seen; no language is one."""
    for text in ("Füße", "日本語\u3000全角", "العربية", "😀", "a\u00a0b"):
        assert printable(text) == text


def answer_about_a_table() -> dict[str, object]:
    """Return what a worker says of a table whose keys, topics and reasons are a sender's."""
    window = {"start": EVIL, "end": EVIL, "entries": [{"key": EVIL, "count": 1, "top": [EVIL]}]}
    return {
        "table": EVIL, "window": EVIL, "windows": [window], "partitions": {"missing": EVIL},
        "suspended": {EVIL: EVIL}, "since": EVIL, "next": EVIL, "lag": None,
    }  # fmt: skip


def a_letter() -> DeadLetterRow:
    """Return a dead letter that somebody else wrote."""
    return DeadLetterRow(0, 1, None, EVIL, EVIL, EVIL, EVIL, 0, False, 9)


def answer_about_streams() -> dict[str, object]:
    """Return what a worker says of streams."""
    pause = {"detail": EVIL, "awaited": EVIL, "since": EVIL}
    states = {EVIL: {"state": "paused", "pause": pause}}
    return {"states": states, "streams": {EVIL: {"received": 1}}, "lag": {EVIL: {"records": 1}}}


def a_dry_run() -> DryRun:
    """Return what rules would drop."""
    return DryRun(lines=1, kept=1, dropped={EVIL: 1}, examples={EVIL: [EVIL]}, outputs={EVIL: 1})


COMMANDS: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    "tables": lambda _: tables._show("x", answer_about_a_table()),
    "dead-letters list": lambda patch: (
        patch.setattr(dead_letters, "ask_broker", lambda _: DeadLetterList([a_letter()], 1, True, [])),
        dead_letters.list_letters(),
    ),
    "dead-letters show": lambda patch: (
        patch.setattr(dead_letters, "ask_broker", lambda _: a_letter()),
        dead_letters.show("0/1"),
    ),
    "streams list": lambda patch: (
        patch.setattr("dataflow.cli.worker_client.ask", lambda *_: answer_about_streams()),
        streams.list_streams("http://x"),
    ),
    "streams resume": lambda patch: (
        patch.setattr("dataflow.cli.worker_client.tell", lambda *_: {"resumed": [EVIL]}),
        streams.resume_stream(EVIL, "http://x"),
    ),
    "rules dry-run": lambda _: rules._show(a_dry_run()),
    "rules show": lambda patch: (
        patch.setattr(documents, "last_version_of", lambda _: Version(1, EVIL.encode())),
        next(one for one in rules.rules.registered_commands if one.name == "show").callback(),
    ),
    "results of apply": lambda _: terminal.results().writelines([EVIL.encode(), b"\x1b\xff\n"]),
    "a note": lambda _: terminal.notes().print(EVIL, style="red", soft_wrap=True),
    "a page": lambda _: terminal.page().print(EVIL),
    "a line": lambda _: terminal.say(EVIL),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_gives_a_terminal_what_a_sender_sent(command: str, monkeypatch):
    """Escape codes of a log line have set titles, hidden text and typed commands."""
    screen = a_terminal(monkeypatch)
    COMMANDS[command](monkeypatch)
    shown = screen.getvalue()
    assert not harm(shown)
    assert "\\x1b" in shown or "\\u001b" in shown
    if command not in ("results of apply", "dead-letters list"):  # what it has not, or where cells are cut
        assert "[red]:smile:" in shown


def test_apply_is_exact_in_a_pipe_and_printable_on_a_terminal(tmp_path, monkeypatch):
    """What goes on to a program is what a stage made, byte for byte."""
    line = b'{"UA":"a\x7f\xc2\x9b31mb"}'
    (tmp_path / "lines").write_bytes(line + b"\n")
    (tmp_path / "rules").write_text("[]")
    screen = a_terminal(monkeypatch)
    apply_stage("filter", tmp_path / "lines", rules=tmp_path / "rules")
    assert not harm(screen.getvalue())
    assert "\\x7f\\x9b31m" in screen.getvalue()
    pipe = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(pipe, "utf-8"))
    apply_stage("filter", tmp_path / "lines", rules=tmp_path / "rules")
    assert pipe.getvalue() == line + b"\n"


def test_an_error_that_a_worker_answers_with_forges_no_line(monkeypatch):
    """It quotes what somebody has sent."""
    body = json.dumps({"error": EVIL}).encode()

    class Refusal(BytesIO):
        code, reason, length = 400, "Bad Request", 0

    from urllib.error import HTTPError

    def refuse(*_: object, **__: object) -> object:
        raise HTTPError("http://x", 400, "Bad Request", {}, Refusal(body))  # type: ignore[arg-type]

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    with pytest.raises(DataflowError) as raised:
        ask("http://x", "tables")
    assert not harm(str(raised.value))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.CONSOLE])
def test_no_log_line_holds_what_a_sender_sent(form: LogFormat, capsys, monkeypatch):
    """In fields, in messages of libraries, and in tracebacks; also of names that are no UTF-8."""
    monkeypatch.setenv("NO_COLOR", "1")
    dictConfig(logging_config(Settings(log_format=form)))
    log = get_log("dataflow.x")
    log.warning("Line is odd.", one=EVIL, error=OSError(EVIL), path=Path(EVIL), names=[EVIL, "\udcff"])
    logging.getLogger("aiohttp.x").warning("Path is %s", EVIL)
    try:
        raise ValueError(EVIL)
    except ValueError:
        log.exception("View has failed.", path=EVIL)
    written = capsys.readouterr().err
    dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"handlers": []}})
    assert not harm(written)
    assert written.count("title") == 7
    if form is LogFormat.JSON:
        first = json.loads(written.splitlines()[0])
        assert first["one"] == EVIL
        assert len(written.splitlines()) == 3
    else:
        forged = [line for line in written.splitlines() if not line.startswith(("20", "    "))]
        assert forged == []


def test_a_log_line_tells_no_password(caplog):
    """Errors of libraries tell whole URLs."""
    get_log("dataflow.x").error("Sink is away.", error=OSError("http://me:hush@minio:9000/logs is away"))
    assert "hush" not in caplog.messages[0] + JsonFormatter().format(caplog.records[0])


def test_commands_print_by_the_terminal_only():
    """One place escapes; what goes around it would not be."""
    outlets = ("typer.echo(", "typer.secho(", "print(", "Console(", "sys.stdout.write(", "sys.stdout.buffer")
    allowed = {
        "dataflow/cli/terminal.py": outlets,
        "dataflow/cli/console.py": ("Console(",),
        "dataflow/cli/apply.py": ("typer.echo(",),  # counts of its own
        "dataflow/demo/commands/generate.py": ("sys.stdout.buffer",),  # what it has made up itself
    }
    around = []
    for path in sorted([*(ROOT / "dataflow/cli").rglob("*.py"), *(ROOT / "dataflow/demo").rglob("*.py")]):
        name, text = str(path.relative_to(ROOT)), path.read_text()
        text = text.replace("page().print(", "").replace("notes().print(", "").replace("console.print(", "")
        around += [(name, one) for one in outlets if f" {one}" in text and one not in allowed.get(name, ())]
    assert around == []
    assert {apply, sinks}  # their modules are looked at, too
