"""Log lines: one form of a call, two forms of a line."""

import ast
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.logging_config import JsonFormatter, Retried
from dataflow.logs import get_log

ROOT = Path(__file__).parents[2]
METHODS = {"debug", "info", "warning", "error", "exception"}
OF_THE_LINE = {"time", "level", "logger", "message", "traceback"}


def sources() -> Iterator[Path]:
    """Yield our files."""
    for room in ("dataflow", "agents", "tables", "models"):
        yield from sorted((ROOT / room).rglob("*.py"))


def log_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of a log, also of one that mode gives its services."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            owner = ast.unparse(node.func.value)
            if owner in {"log", "self.log", "logger", "self.logger", "logging"}:
                yield node


def fault(call: ast.Call) -> str | None:
    """Return what is wrong with a log call."""
    if ast.unparse(call.func.value) != "log":  # type: ignore[attr-defined]  # log_calls() looks for this form
        return "is not of the log of its module"
    match call.args:
        case [ast.Constant(str(sentence))]:
            if not sentence.endswith(".") or "%" in sentence or "{" in sentence:
                return f"says {sentence!r}; expected a constant sentence with a period at its end"
        case _:
            return "has no constant sentence, or more than that"
    names = {keyword.arg for keyword in call.keywords}
    if None in names or names & OF_THE_LINE:
        return f"has fields {names}; expected names that are written out, none of {OF_THE_LINE}"
    return None


def test_every_log_call_is_a_constant_sentence_and_fields():
    """A search for a sentence finds all its lines, and numbers are read by name, not cut out of text."""
    faults = [
        f"{path.relative_to(ROOT)}:{call.lineno} {wrong}"
        for path in sources()
        for call in log_calls(ast.parse(path.read_text()))
        if (wrong := fault(call))
    ]
    assert not faults


def test_no_module_has_a_log_of_another_form():
    """`logging` itself is for what sets it up."""
    users = {str(path.relative_to(ROOT)) for path in sources() if "getLogger(" in path.read_text()}
    assert users == {"dataflow/cli/__init__.py", "dataflow/logs.py", "dataflow/sinks/opensearch/client.py"}


@pytest.mark.parametrize(
    "call",
    [
        'log.info(f"Took {n} partitions.")',
        'log.info("Took %d partitions.", n)',
        'log.info("Took partitions." + more)',
        'log.info("Took partitions")',
        'log.info("Took partitions.", extra, n=1)',
        'log.info("Took partitions.", **fields)',
        'log.info("Took partitions.", message="x")',
        'self.log.info("Took partitions.")',
        'logging.info("Took partitions.")',
    ],
)
def test_other_forms_are_refused(call: str):
    """A check that accepts everything proves nothing."""
    [node] = log_calls(ast.parse(call))
    assert fault(node)


def test_json_has_the_sentence_and_each_field_by_its_name(caplog):
    """What collects logs can count by a field."""
    log = get_log("dataflow.x")
    log.warning(
        "Sink is unavailable.",
        sink="s3",
        wait_seconds=4.0,
        error=OSError("gone"),
        path=Path("/a"),
        days=[1, 2],
    )
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert line.pop("time")
    assert line == {
        "level": "warning",
        "logger": "dataflow.x",
        "message": "Sink is unavailable.",
        "sink": "s3",
        "wait_seconds": 4.0,
        "error": "OSError: gone",
        "path": "/a",
        "days": [1, 2],
    }


def test_every_json_line_says_whose_it_is(caplog):
    """Lines of all workers come together in one place."""
    get_log("dataflow.x").warning("Input is read.", role="its own")
    own = {"worker": "enrich-0", "role": "enrich"}
    line = json.loads(JsonFormatter(own).format(caplog.records[-1]))
    assert (line["worker"], line["role"]) == ("enrich-0", "its own")


def test_text_has_the_sentence_and_each_field_after_it(caplog):
    """A person reads the sentence first; a value with blanks is in quotes, so that its end can be seen."""
    log = get_log("dataflow.x")
    log.error("Topic is missing.", topic="a-b", text="two words", nothing="", error=TimeoutError(), at=None)
    assert caplog.messages == [
        'Topic is missing. topic=a-b text="two words" nothing="" error=TimeoutError at=null'
    ]


def test_a_line_break_in_a_field_does_not_make_a_second_line(caplog):
    """Else whoever sends a name with a line break could forge log lines."""
    get_log("dataflow.x").error("Topic is missing.", topic="a\nERROR forged")
    assert "\n" not in caplog.messages[0]


def test_an_exception_has_its_traceback_and_the_place_of_the_call(caplog):
    """A bug is mended by both."""
    log = get_log("dataflow.x")
    try:
        {}["missing"]
    except KeyError:
        log.exception("Sink has a bug.", sink="s3")
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert "KeyError: 'missing'" in line["traceback"]
    assert caplog.records[-1].filename == Path(__file__).name
    assert caplog.records[-1].funcName == sys._getframe().f_code.co_name


@pytest.mark.parametrize(
    ("logger", "has_traceback", "level", "written"),
    [
        ("aiokafka.cluster", False, "INFO", "WARNING"),
        ("aiokafka.cluster", False, "ERROR", None),
        ("aiokafka.consumer.group_coordinator", True, "ERROR", "ERROR"),
        ("dataflow.engine.engine", False, "ERROR", "ERROR"),
        ("asyncio", False, "INFO", "ERROR"),
    ],
)
def test_what_the_kafka_client_retries_is_a_warning(
    logger: str, has_traceback: bool, level: str, written: str | None
):
    """It calls each broker that is just starting an error; a routine of it that has died still is one."""
    trace = (ValueError, ValueError("x"), None) if has_traceback else None
    record = logging.LogRecord(logger, logging.ERROR, __file__, 1, "Broker is away.", (), trace)
    assert (record.levelname if Retried(level).filter(record) else None) == written
