"""Filter condition: compiles the richer form of a rule.

A condition is ``{"any": [...]}``, ``{"all": [...]}``, ``{"not": ...}``, or a test of one field:
``matches`` (the whole value) or ``search`` (a part of it), ``present``, or numeric bounds. A test
of a field that is missing or null does not hold, except ``"present": false``.
"""

import math
import re
from collections.abc import Callable, Sequence
from operator import and_, eq, ge, gt, le, lt, not_, or_
from urllib.parse import unquote

from dataflow.errors import Misconfigured
from dataflow.stages.filter_rule import compile_pattern, field_name
from dataflow.stages.filter_rules import Columns, Fields
from dataflow.stages.json_values import Value

Condition = Callable[[Columns], Sequence[bool]]
"""Tells for each line whether it holds."""

Test = Callable[[Value], bool]

DEEPEST = 20
BOUNDS = {"above": gt, "at_least": ge, "below": lt, "at_most": le, "equals": eq}
"""Tests of a value and a bound."""
_GROUPS = ("any", "all", "not")
_TESTS = ("matches", "search", "present", *BOUNDS)
_NUMBER = re.compile(r"[-+]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,3})?", re.ASCII)


def compile_condition(sent: object, where: str, fields: Fields, depth: int = 0) -> Condition:
    """Return the condition; raise `Misconfigured` naming place, key, value and what was expected."""
    if not isinstance(sent, dict):
        raise Misconfigured(f"{where} is {sent!r}; expected a condition, an object")
    if depth > DEEPEST:
        raise Misconfigured(f"{where} is nested deeper than {DEEPEST}; expected fewer levels")
    groups = [key for key in _GROUPS if key in sent]
    if not groups:
        return _compile_test(sent, where, fields)
    if len(sent) > 1:
        raise Misconfigured(f"{where} has keys {sorted(sent)}; expected {groups[0]} alone")
    if groups[0] == "not":
        with fields.negated():
            denied = compile_condition(sent["not"], f"{where}.not", fields, depth + 1)
        return lambda columns: list(map(not_, denied(columns)))
    return _compile_group(groups[0], sent[groups[0]], where, fields, depth)


def _compile_group(group: str, sent: object, where: str, fields: Fields, depth: int) -> Condition:
    if not isinstance(sent, list) or not sent:
        raise Misconfigured(f"{where}.{group} is {sent!r}; expected a list of at least one condition")
    parts = [
        compile_condition(part, f"{where}.{group}[{place}]", fields, depth + 1)
        for place, part in enumerate(sent)
    ]
    merge = or_ if group == "any" else and_

    def holds(columns: Columns) -> Sequence[bool]:
        verdicts = parts[0](columns)
        for part in parts[1:]:
            verdicts = list(map(merge, verdicts, part(columns)))
        return verdicts

    return holds


def _compile_test(sent: dict[str, object], where: str, fields: Fields) -> Condition:
    field = field_name(sent, "field", where)
    tests = [key for key in sent if key in _TESTS]
    for unknown in sorted(sent.keys() - {"field", "decoded", *_TESTS}):
        known = ["field", "decoded", *_TESTS, *_GROUPS]
        raise Misconfigured(f"{where}: key is {unknown!r}; expected one of {known}")
    if not tests or (len(tests) > 1 and not set(tests) <= BOUNDS.keys()):
        raise Misconfigured(f"{where} has tests {tests}; expected one of {list(_TESTS)}, or several bounds")
    test = _test_of(sent, tests, where, fields)
    if not sent.get("decoded", False):
        return fields.column_of(field, test)
    # The value is percent-decoded once; a bad ``%`` stays as it is.
    return fields.column_of(field, lambda value: test(unquote(value) if isinstance(value, str) else value))


def _test_of(sent: dict[str, object], tests: Sequence[str], where: str, fields: Fields) -> Test:
    decoded = sent.get("decoded", False)
    if not isinstance(decoded, bool):
        raise Misconfigured(f"{where}: decoded is {decoded!r}; expected true or false")
    match tests[0]:
        case "matches":
            whole = compile_pattern(sent, "matches", where, fields).fullmatch
            return lambda value: value is not None and whole(str(value)) is not None
        case "search":
            part = compile_pattern(sent, "search", where, fields).search
            return lambda value: value is not None and part(str(value)) is not None
        case "present":
            wanted = sent["present"]
            if not isinstance(wanted, bool):
                raise Misconfigured(f"{where}: present is {wanted!r}; expected true or false")
            return lambda value: (value is not None) is wanted
    bounds = [(BOUNDS[name], _bound(sent, name, where)) for name in tests]
    return lambda value: _is_within(value, bounds)


def _bound(sent: dict[str, object], name: str, where: str) -> float:
    bound = sent[name]
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
        raise Misconfigured(f"{where}: {name} is {bound!r}; expected a number")
    return bound


def _is_within(value: Value, bounds: Sequence[tuple[Callable[[float, float], bool], float]]) -> bool:
    number = _number(value)
    return number is not None and all(holds(number, bound) for holds, bound in bounds)


def _number(value: Value) -> float | None:
    """Return the number that a value is, as text or not; None for any other. Whole ones are exact."""
    if value is None or isinstance(value, int):
        return value
    if not _NUMBER.fullmatch(value):
        return None
    return int(value) if value.lstrip("+-").isdigit() else float(value)
