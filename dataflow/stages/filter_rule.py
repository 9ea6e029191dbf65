"""Filter rule: reads entries of the compatible form, and what all forms have in common."""

import re
from typing import Protocol

import re2

from dataflow.errors import Misconfigured
from dataflow.stages.filter_rules import Fields, FilterRule
from dataflow.stages.json_values import Value

_KEYS = {"fieldName", "regex", "include", "name"}
_UNREADABLE = re.compile(r'["\\\x00-\x1f]')  # what msgspec finds no field by, as JSON writes it otherwise


LONGEST_PATTERN = 4_096
"""RE2 runs in linear time, but compiles in the square of the length: 64,000 times `a?` took 16 s."""
MOST_PATTERN_BYTES = 1 << 20
"""Memory of one pattern: classes of Unicode take a millisecond each to compile."""
MOST_INSTRUCTIONS = 250_000
"""Of all patterns of a document, as RE2 counts them; `.*bot.*` has some 30. A second at most."""


class Pattern(Protocol):
    """A compiled regex of google-re2, which runs in linear time whatever the rule says."""

    programsize: int
    """How many instructions it is compiled to."""

    def fullmatch(self, text: str) -> object | None:
        """Return a match if the pattern matches the whole text."""

    def search(self, text: str) -> object | None:
        """Return a match if the pattern matches a part of the text."""


def read_rule(sent: object, number: int, origin: str, fields: Fields) -> FilterRule:
    """Return the rule of a compatible entry, which drops lines by one field, as DataStream filters do.

    `number` counts from 1; without a name the rule is called by number and field, ``rule-1:UA``.
    Raise `Misconfigured` naming the file, the rule, its key, the value and what was expected.
    """
    where = f"{origin}: rule {number}"
    if not isinstance(sent, dict):
        raise Misconfigured(f"{where} is {sent!r}; expected an object with fieldName and regex")
    for unknown in sorted(sent.keys() - _KEYS):
        raise Misconfigured(f"{where}: key is {unknown!r}; expected one of {sorted(_KEYS)}")
    field = field_name(sent, "fieldName", where)
    include = sent.get("include", False)
    if not isinstance(include, bool):
        raise Misconfigured(f"{where}: include is {include!r}; expected true or false")
    name = text_of(sent, "name", where) if "name" in sent else f"rule-{number}:{field}"
    matches = compile_pattern(sent, "regex", where, fields).fullmatch

    def drops(value: Value) -> bool:
        if value is None:  # the field is missing or null
            return include
        return (matches(str(value)) is not None) != include

    return fields.rule(name, fields.column_of(field, drops))


def field_name(sent: dict[str, object], key: str, where: str) -> str:
    """Return the name of a field, or names joined by dots; raise `Misconfigured`."""
    field = text_of(sent, key, where)
    if not all(field.split(".")) or _UNREADABLE.search(field):
        raise Misconfigured(
            f"{where}: {key} is {field!r}; expected names joined by dots, without quotes, backslashes "
            "and control characters"
        )
    return field


def text_of(sent: dict[str, object], key: str, where: str, *, may_be_empty: bool = False) -> str:
    """Return a text; raise `Misconfigured`."""
    value = sent.get(key)
    if not isinstance(value, str) or not (value or may_be_empty):
        actual = repr(value) if key in sent else "missing"
        raise Misconfigured(f"{where}: {key} is {actual}; expected a text")
    return value


def compile_pattern(sent: dict[str, object], key: str, where: str, fields: Fields) -> Pattern:
    """Return a regex of RE2; raise `Misconfigured` with the reason if it cannot run it, or not soon."""
    regex = text_of(sent, key, where, may_be_empty=True)
    if len(regex) > LONGEST_PATTERN:
        raise Misconfigured(f"{where}: {key} has {len(regex)} characters; expected at most {LONGEST_PATTERN}")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_PATTERN_BYTES
    try:
        pattern: Pattern = re2.compile(regex, options)
    except re2.error as error:
        said = error.args[0].decode() if error.args else "no reason given"
        raise Misconfigured(
            f"{where}: {key} is {regex!r}; expected one that RE2 can run "
            f"(no look-around, no back references): {said}"
        ) from error
    fields.program_size += pattern.programsize
    if fields.program_size > MOST_INSTRUCTIONS:
        raise Misconfigured(
            f"{where}: with {key} all patterns have {fields.program_size} instructions; "
            f"expected at most {MOST_INSTRUCTIONS}, as of shorter patterns, or of ones with fewer classes"
        )
    return pattern
