"""Filter rules: the meaning that operators' rule files have today, without their surprises."""

import gc
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.demo.samples import sample_filter_rules
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.filter_document import load_document, read_document
from dataflow.stages.filter_rules import FilterRules


def rules(*sent: dict[str, object]) -> FilterRules:
    """Return the rules of a file with these entries."""
    return read_document(orjson.dumps(sent), "rules.json")


@pytest.mark.parametrize(
    ("line", "kept_by_include", "kept_by_exclude"),
    [
        (b'{"f":"bot"}', True, False),
        (b'{"f":"robot"}', False, True),
        (b'{"f":"bot\\n"}', False, True),
        (b'{"f":""}', False, True),
        (b'{"g":"bot"}', False, True),
        (b'{"f":null}', False, True),
        (b'{"f":"b\\u006ft"}', True, False),
        (b'{"f":"bot","f":"x"}', False, True),
    ],
)
def test_a_rule_keeps_or_drops_by_the_whole_value(
    line: bytes, kept_by_include: bool, kept_by_exclude: bool
) -> None:
    """The table of the system that it replaces, row by row."""
    include = rules({"fieldName": "f", "regex": "bot", "include": True})
    exclude = rules({"fieldName": "f", "regex": "bot"})
    assert (include.dropped_by(line) is None) is kept_by_include
    assert (exclude.dropped_by(line) is None) is kept_by_exclude


@pytest.mark.parametrize(
    ("value", "regex"),
    [
        (b"200", "200"),
        (b"1.0", r"1\.0"),
        (b"1e3", "1e3"),
        (b"12345678901234567890123", r"[0-9]{23}"),
        (b"9" * 5000, "9+"),
        (b"1e999", "1e999"),
        (b"true", "true"),
        (b"false", "false"),
        (b'{"a": 1}', r'\{"a": 1\}'),
        (b'"50%25"', "50%25"),
        ('"é"'.encode(), "é"),
    ],
)
@pytest.mark.parametrize("field", ["f", "outer.f"])
def test_values_are_matched_as_sent(value: bytes, regex: str, field: str) -> None:
    """Numbers and booleans as their text, strings still percent-encoded."""
    line = b'{"f": ' + value + b' , "outer":{"f":' + value + b"}}"
    assert rules({"fieldName": field, "regex": regex}).dropped_by(line) == f"rule-1:{field}"
    assert rules({"fieldName": field, "regex": "x" + regex}).dropped_by(line) is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"a":{"b":"v"}}', True),
        (b'{"a.b":"v"}', True),
        (b'{"a.b":"v","a":{"b":"w"}}', True),
        (b'{"a.b":null,"a":{"b":"v"}}', True),
        (b'{"b":"v"}', False),
        (b'{"a":"v"}', False),
        (b'{"a":null,"b":"v"}', False),
        (b'{"a":[{"b":"v"}]}', False),
        (b'{"a":{"b":null}}', False),
        (b'{"a":{"c":{"b":"v"}}}', False),
        (b"{}", False),
    ],
)
def test_a_dotted_name_is_a_path_of_which_every_part_is_there(line: bytes, found: bool) -> None:
    """A missing part once made a rule read a top-level field of the last part's name."""
    assert (rules({"fieldName": "a.b", "regex": "v"}).dropped_by(line) is not None) is found


def test_many_rules_remember_no_more_than_few() -> None:
    """A thousand rules over values that differ from line to line would have kept gigabytes of verdicts."""
    many = rules(*({"fieldName": "f", "regex": f"{number}"} for number in range(200)))
    before = verdicts()
    for start in range(0, 3_000, 500):
        many.judge([b'{"f":"%d"}' % (10_000 + value) for value in range(start, start + 500)])
    assert 3_000 <= verdicts() - before <= 400_000


def verdicts() -> int:
    """Return how many results all caches of this process hold."""
    return sum(len(each) for each in gc.get_objects() if isinstance(each, BoundedCache))


def test_the_first_rule_that_drops_is_named() -> None:
    """Rules are an ordered AND; drops are counted by this name."""
    both = rules(
        {"fieldName": "UA", "regex": ".*bot.*", "name": "bots"},
        {"fieldName": "status", "regex": "2..", "include": True},
    )
    assert both.dropped_by(b'{"UA":"a bot","status":"500"}') == "bots"
    assert both.dropped_by(b'{"UA":"human","status":"500"}') == "rule-2:status"
    assert both.dropped_by(b'{"UA":"human","status":200}') is None
    assert both.reads == ("UA", "status")


def test_a_true_is_no_one_and_a_one_no_true() -> None:
    """They are equal keys of a Python dict, and different values of a line."""
    one = rules({"fieldName": "f", "regex": "1"})
    assert [one.dropped_by(b'{"f":%b}' % v) for v in (b"1", b"true", b"1.0", b'"1"')] == [
        "rule-1:f",
        None,
        None,
        "rule-1:f",
    ]


@pytest.mark.parametrize("line", [b"", b"x", b"[]", b"null", b"5", b'{"f":1', b'{"g":"\xff"}'])
@pytest.mark.parametrize("sent", [[], [{"fieldName": "f", "regex": "x"}]])
def test_what_is_no_object_is_a_dead_letter_not_a_drop(line: bytes, sent: list[dict[str, object]]) -> None:
    """Such lines once vanished uncounted; they must not pass either, without any rule."""
    with pytest.raises(InvalidEvent):
        rules(*sent).dropped_by(line)


@given(st.binary() | st.binary().map(lambda b: b'{"f":"' + b + b'"}'))
def test_no_bytes_crash_the_rules(raw: bytes) -> None:
    """A name, None or an `InvalidEvent`."""
    with suppress(InvalidEvent):
        rules({"fieldName": "f", "regex": "x"}, {"fieldName": "a.b", "regex": "x"}).dropped_by(raw)


def test_a_regex_cannot_hang_a_worker() -> None:
    """Linear time: backtracking engines need longer than the universe for this one."""
    hard = rules({"fieldName": "f", "regex": "(a*)*(a*)*b"})
    assert hard.dropped_by(b'{"f":"' + b"a" * 10_000 + b'"}') is None


GOOD = {"fieldName": "f", "regex": "x"}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (5, "rules.json is int; expected rules, a list or an object"),
        ([5], "rule 1 is 5; expected an object"),
        ([GOOD, {"regex": "x"}], "rule 2: fieldName is missing; expected a text"),
        ([{"fieldName": "", "regex": "x"}], "rule 1: fieldName is ''; expected a text"),
        ([{"fieldName": "a..b", "regex": "x"}], "fieldName is 'a..b'; expected names joined"),
        ([{"fieldName": "f"}], "rule 1: regex is missing; expected a text"),
        ([GOOD | {"regex": 5}], "rule 1: regex is 5; expected a text"),
        ([GOOD | {"include": "yes"}], "rule 1: include is 'yes'; expected true or false"),
        ([GOOD | {"includes": True}], "rule 1: key is 'includes'; expected one of"),
        ([GOOD | {"name": "n"}] * 2, "rule 2: name is 'n'; expected one of its own"),
        ([GOOD | {"regex": "("}], r"rule 1: regex is '\('; .*missing \)"),
        ([GOOD | {"regex": r"(a)\1"}], "no back references.*invalid escape sequence"),
        ([GOOD | {"regex": "(?=a)"}], "no look-around.*invalid perl operator"),
    ],
)
def test_a_bad_rule_is_refused_with_what_is_wrong(sent: object, message: str) -> None:
    """An invalid regex once dropped every line: now nothing starts with it."""
    with pytest.raises(Misconfigured, match=message):
        read_document(orjson.dumps(sent), "rules.json")


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    """Missing or not JSON: the path stands in the message."""
    with pytest.raises(Misconfigured, match=r"none\.json'; expected a file that can be read"):
        load_document(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[")
    with pytest.raises(Misconfigured, match=r"bad\.json is not JSON"):
        load_document(tmp_path / "bad.json")


def test_the_sample_rules_load() -> None:
    """What the demo starts with."""
    assert [rule.name for rule in load_document(sample_filter_rules()).rules] == [
        "bots",
        "favicon",
        "rule-3:statusCode",
    ]
