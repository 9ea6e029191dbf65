"""Filter document: reads the text of a rule file, in either form.

A list is the compatible form. An object has ``rules``, each of the compatible form or ``{"name":
..., "drop": condition}`` or ``{"name": ..., "keep": condition}``, and may have ``outputs``, each
``{"name": ..., "topic": ..., "rules": [...]}``.
"""

import re
from collections.abc import Sequence
from operator import not_
from pathlib import Path

import orjson

from dataflow.errors import Misconfigured
from dataflow.small_files import MOST_DOCUMENT_BYTES, read_small_file
from dataflow.stages.filter_condition import compile_condition
from dataflow.stages.filter_rule import read_rule, text_of
from dataflow.stages.filter_rules import Fields, FilterRule, FilterRules, Output

MOST_RULES = 1_000
MOST_OUTPUTS = 64
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def load_document(path: Path) -> FilterRules:
    """Return the rules in a JSON file; raise `Misconfigured` for a file that cannot be used."""
    try:
        raw = read_small_file(path, MOST_DOCUMENT_BYTES)
    except OSError as error:
        raise Misconfigured(
            f"rule file is '{path}'; expected a file that can be read ({error.strerror})"
        ) from error
    return read_document(raw, str(path))


def read_document(raw: bytes, origin: str) -> FilterRules:
    """Return the rules in a text; `origin` is named in errors."""
    if len(raw) > MOST_DOCUMENT_BYTES:
        raise Misconfigured(f"{origin} has {len(raw)} bytes; expected at most {MOST_DOCUMENT_BYTES}")
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Misconfigured(f"{origin} is not JSON; {error}") from error
    return _read_object({"rules": sent} if isinstance(sent, list) else sent, origin)


def topics_of(rules: FilterRules) -> frozenset[str]:
    """Return the topics of the outputs; none if lines go to the usual topic."""
    return frozenset(output.topic for output in rules.outputs)


def _read_object(sent: object, origin: str) -> FilterRules:
    if not isinstance(sent, dict):
        raise Misconfigured(f"{origin} is {type(sent).__name__}; expected rules, a list or an object")
    for unknown in sorted(sent.keys() - {"rules", "outputs"}):
        raise Misconfigured(f"{origin}: key is {unknown!r}; expected rules or outputs")
    if "rules" not in sent and not sent.get("outputs"):
        raise Misconfigured(f"{origin}: rules is missing; expected a list; an empty one lets every line pass")
    fields = Fields()
    rules = _read_rules(sent.get("rules", []), origin, fields)
    outputs = sent.get("outputs", [])
    _check_number(f"{origin}: outputs", outputs, MOST_OUTPUTS)
    read = [_read_output(entry, number, origin, fields) for number, entry in enumerate(outputs, 1)]
    _check_names(origin, "rule", [rule.name for rule in rules])
    _check_names(origin, "output", [output.name for output in read])
    _check_names(origin, "topic of output", [output.topic for output in read])
    return FilterRules(rules, read, fields.names)


def _read_output(sent: object, number: int, origin: str, fields: Fields) -> Output:
    where = f"{origin}: output {number}"
    if not isinstance(sent, dict):
        raise Misconfigured(f"{where} is {sent!r}; expected an object with name, topic and rules")
    for unknown in sorted(sent.keys() - {"name", "topic", "rules"}):
        raise Misconfigured(f"{where}: key is {unknown!r}; expected name, topic or rules")
    name, topic = text_of(sent, "name", where), text_of(sent, "topic", where)
    if not _TOPIC.fullmatch(topic):
        raise Misconfigured(f"{where}: topic is {topic!r}; expected a name that Kafka allows")
    rules = _read_rules(sent.get("rules", []), where, fields)
    _check_names(where, "rule", [rule.name for rule in rules])
    return Output(name, topic, tuple(rules))


def _read_rules(sent: object, where: str, fields: Fields) -> list[FilterRule]:
    _check_number(f"{where}: rules", sent, MOST_RULES)
    assert isinstance(sent, list)
    return [_read_rule(entry, number, where, fields) for number, entry in enumerate(sent, 1)]


def _read_rule(sent: object, number: int, origin: str, fields: Fields) -> FilterRule:
    if not isinstance(sent, dict) or not ("drop" in sent or "keep" in sent):
        return read_rule(sent, number, origin, fields)
    where = f"{origin}: rule {number}"
    kind = "drop" if "drop" in sent else "keep"
    for unknown in sorted(sent.keys() - {"name", kind}):
        raise Misconfigured(f"{where}: key is {unknown!r}; expected name and {kind}")
    name = text_of(sent, "name", where) if "name" in sent else f"rule-{number}:{kind}"
    if kind == "drop":
        return fields.rule(name, compile_condition(sent[kind], f"{where}: {kind}", fields))
    with fields.negated():
        holds = compile_condition(sent[kind], f"{where}: {kind}", fields)
    return fields.rule(name, lambda columns: list(map(not_, holds(columns))))


def _check_number(subject: str, sent: object, most: int) -> None:
    if not isinstance(sent, list):
        raise Misconfigured(f"{subject} is {type(sent).__name__}; expected a list")
    if len(sent) > most:
        raise Misconfigured(f"{subject} has {len(sent)} entries; expected at most {most}")


def _check_names(where: str, what: str, names: Sequence[str]) -> None:
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            raise Misconfigured(f"{where}: {what} {number}: name is {name!r}; expected one of its own")
