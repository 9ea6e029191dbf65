"""Filter documents: the richer form beside the compatible list, and what a dry run says of both."""

import re
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.demo.samples import sample_events, sample_filter_rules
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.filter_document import load_document, read_document, topics_of
from dataflow.stages.filter_dry_run import try_rules
from dataflow.stages.filter_rules import NO_OUTPUT

FIELD_IS_A = {"field": "f", "matches": "a"}
OTHER_IS_BIG = {"field": "g", "above": 5}


def document(sent):
    """Return the rules of a document."""
    return read_document(orjson.dumps(sent), "rules")


def holds(condition, line):
    """Tell whether a condition holds for a line."""
    rules = document({"rules": [{"name": "r", "drop": condition}]})
    return rules.dropped_by(orjson.dumps(line) if isinstance(line, dict) else line) == "r"


@pytest.mark.parametrize(
    ("condition", "holding", "failing"),
    [
        ({"field": "f", "matches": "a.c"}, ["abc"], ["xabc", "abcx", None, ""]),
        ({"field": "f", "search": "a.c"}, ["abc", "xabcx"], ["ab", None]),
        ({"field": "f", "search": "50%25"}, ["50%25"], ["50%"]),
        ({"field": "f", "search": "50%$", "decoded": True}, ["50%25", "50%"], ["50%2525"]),
        ({"field": "f", "matches": "%zz é", "decoded": True}, ["%zz%20%C3%A9"], ["%zz+é"]),
        ({"field": "f", "present": True}, ["", 0, False], [None]),
        ({"field": "f", "present": False}, [None], ["", 0, False]),
        ({"field": "f", "above": 5}, [6, "5.5", "1e3"], [5, "5", "x", None, "", True, "0x9"]),
        ({"field": "f", "at_least": 400, "below": 500}, ["400", 499], [399, 500, "4e9"]),
        ({"field": "f", "at_most": -1.5}, ["-1.5", -2], [-1.4, "nan", "-inf"]),
        ({"field": "f", "equals": 200}, ["200", 200, 200.0, "2e2"], [201, "200 "]),
        ({"field": "f", "equals": 2**60 + 1}, [2**60 + 1], [2**60]),
        ({"not": {"field": "f", "matches": "a"}}, ["b", None], ["a"]),
        ({"any": [{"field": "f", "matches": "a"}, {"field": "f", "matches": "b"}]}, ["a", "b"], ["c", None]),
        ({"all": [{"field": "f", "search": "a"}, {"field": "f", "search": "b"}]}, ["ab"], ["a", "b"]),
    ],
)
def test_a_condition_holds_or_not(condition, holding, failing):
    """Each kind of test, on values that are there, missing, and of other types."""
    for value, expected in [(v, True) for v in holding] + [(v, False) for v in failing]:
        for line in [{"f": value}] + [{}] * (value is None):
            assert holds(condition, line) is expected, (condition, line)


def test_groups_nest_and_paths_lead_into_objects():
    """A bot, but not the one that is welcome, on any of two fields."""
    condition = {
        "all": [
            {"any": [{"field": "UA", "search": "bot"}, {"field": "client.kind", "matches": "bot"}]},
            {"not": {"field": "UA", "search": "goodbot"}},
        ]
    }
    assert holds(condition, {"UA": "a bot"})
    assert holds(condition, {"client": {"kind": "bot"}})
    assert not holds(condition, {"UA": "goodbot", "client": {"kind": "bot"}})
    assert not holds(condition, {"UA": "human"})


def test_keep_drops_what_does_not_hold():
    """As include does; a missing field does not hold."""
    rules = document([{"name": "ok", "keep": {"field": "status", "below": 400}}])
    assert [rules.dropped_by(b'{"status":"%d"}' % n) for n in (200, 404)] == [None, "ok"]
    assert rules.dropped_by(b"{}") == "ok"


def test_both_forms_stand_in_one_document_in_their_order():
    """The first that drops is named."""
    rules = document(
        [
            {"fieldName": "UA", "regex": ".*bot.*"},
            {"name": "slow", "drop": {"field": "ms", "above": 100}},
            {"fieldName": "host", "regex": "a", "include": True, "name": "host"},
        ]
    )
    lines = [b'{"UA":"bot","ms":200}', b'{"ms":200}', b'{"ms":1}', b'{"host":"a"}']
    assert [rules.dropped_by(line) for line in lines] == ["rule-1:UA", "slow", "host", None]


def test_outputs_take_what_their_own_rules_let_pass():
    """One line may go to several topics; one that nobody takes is dropped, and counted so."""
    rules = document(
        {
            "rules": [{"name": "bots", "drop": {"field": "UA", "search": "bot"}}],
            "outputs": [
                {"name": "errors", "topic": "e", "rules": [{"keep": {"field": "status", "at_least": 400}}]},
                {"name": "big", "topic": "b", "rules": [{"keep": {"field": "bytes", "above": 1000}}]},
            ],
        }
    )
    told = [
        rules.dropped_by(orjson.dumps(line))
        for line in (
            {"UA": "bot", "status": 500},
            {"status": 500, "bytes": 5000},
            {"status": 200, "bytes": 5000},
            {"status": 200},
        )
    ]
    assert told == ["bots", ("e", "b"), ("b",), NO_OUTPUT]
    assert topics_of(rules) == {"e", "b"}


@given(st.lists(st.sampled_from([b'{"f":"a"}', b'{"f":1}', b'{"f":null}', b"{}", b"x", b'{"f":"b"}'])))
def test_the_richer_form_of_a_compatible_rule_says_the_same(lines):
    """An exclude is a drop, an include a keep."""
    pairs = [
        ([{"fieldName": "f", "regex": "a|1", "name": "n"}], {"drop": {"field": "f", "matches": "a|1"}}),
        (
            [{"fieldName": "f", "regex": "a|1", "include": True, "name": "n"}],
            {"keep": {"field": "f", "matches": "a|1"}},
        ),
    ]
    for compatible, rich in pairs:
        old, new = document(compatible), document([{"name": "n", **rich}])
        tried = [try_rules(rules, lines, lambda: True) for rules in (old, new)]
        assert tried[0] == tried[1]


VALUES = st.sampled_from([None, "a", "b", "1", 1, 2.5, True, {"b": "a"}, "ab", ""])
TESTS = st.sampled_from(
    [{"matches": "a|1"}, {"search": "b"}, {"present": True}, {"present": False}, {"above": 1}, {"equals": 1}]
)
CONDITIONS = st.recursive(
    st.builds(lambda field, test: {"field": field, **test}, st.sampled_from(["f", "g", "f.b"]), TESTS),
    lambda part: (
        st.builds(lambda parts: {"any": parts}, st.lists(part, min_size=1, max_size=3))
        | st.builds(lambda parts: {"all": parts}, st.lists(part, min_size=1, max_size=3))
        | st.builds(lambda denied: {"not": denied}, part)
    ),
    max_leaves=6,
)
RULES = st.lists(
    st.builds(lambda kind, what: {kind: what}, st.sampled_from(["drop", "keep"]), CONDITIONS), max_size=3
)


@given(
    RULES,
    st.lists(RULES, max_size=3),
    st.lists(st.fixed_dictionaries({}, optional={"f": VALUES, "g": VALUES}), max_size=8),
)
def test_lines_that_are_judged_together_get_the_verdict_of_each_alone(common, own, lines):
    """Rules see whole columns; what one line is must not matter to another."""
    outputs = [{"name": f"o{n}", "topic": f"t{n}", "rules": rules} for n, rules in enumerate(own)]
    rules = document({"rules": common, "outputs": outputs})
    raws = [orjson.dumps(line) for line in lines]
    assert rules.judge(raws) == [rules.dropped_by(raw) for raw in raws]


GOOD = {"field": "f", "matches": "x"}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (5, "rules is int; expected rules, a list or an object"),
        ({"rule": []}, "rules: key is 'rule'; expected rules or outputs"),
        ({"rules": {}}, "rules: rules is dict; expected a list"),
        ({}, "rules: rules is missing; expected a list; an empty one lets every line pass"),
        ({"outputs": []}, "rules: rules is missing; expected a list"),
        ([{"drop": GOOD, "keep": GOOD}], "rule 1: key is 'keep'; expected name and drop"),
        ([{"drop": 5}], "rule 1: drop is 5; expected a condition"),
        ([{"drop": {"any": []}}], r"rule 1: drop.any is \[\]; expected a list of at least one"),
        ([{"drop": {"any": [GOOD], "field": "f"}}], "drop has keys .*; expected any alone"),
        ([{"drop": {"any": [GOOD, {"not": 5}]}}], r"rule 1: drop.any\[1\].not is 5; expected a condition"),
        ([{"drop": {"field": "f"}}], r"drop has tests \[\]; expected one of"),
        ([{"drop": GOOD | {"above": 1}}], r"drop has tests \['matches', 'above'\]; expected one of"),
        ([{"drop": {"field": "f", "match": "x"}}], "drop: key is 'match'; expected one of"),
        ([{"drop": {"field": "a..b", "matches": "x"}}], "drop: field is 'a..b'; expected names joined"),
        ([{"drop": {"field": 'a"b', "matches": "x"}}], "expected names joined by dots, without quotes"),
        ([{"fieldName": "a\\b", "regex": "x"}], "rule 1: fieldName is .*expected names joined by dots"),
        ([{"fieldName": "a\n", "regex": "x"}], "rule 1: fieldName is .*expected names joined by dots"),
        ([{"drop": {"matches": "x"}}], "drop: field is missing; expected a text"),
        ([{"drop": {"field": "f", "above": "5"}}], "drop: above is '5'; expected a number"),
        ([{"drop": {"field": "f", "above": True}}], "drop: above is True; expected a number"),
        ([{"drop": {"field": "f", "present": 1}}], "drop: present is 1; expected true or false"),
        ([{"drop": GOOD | {"decoded": 1}}], "drop: decoded is 1; expected true or false"),
        ([{"drop": {"field": "f", "search": "(?<=a)b"}}], "search is .*expected one that RE2 can run"),
        ([{"drop": {"field": "f", "search": "((a{500}){500}){500}"}}], "RE2 can run"),
        ([{"name": "n", "drop": GOOD}] * 2, "rule 2: name is 'n'; expected one of its own"),
        ({"outputs": [5]}, "output 1 is 5; expected an object"),
        (
            {"outputs": [{"name": "a", "topic": "no/slash"}]},
            "topic is 'no/slash'; expected a name that Kafka",
        ),
        ({"outputs": [{"name": "a", "topic": "t"}, {"name": "b", "topic": "t"}]}, "topic of output 2"),
        ({"outputs": [{"name": "a", "topic": "t", "rules": [5]}]}, "output 1: rule 1 is 5; expected"),
        ([{"drop": GOOD}] * 1_001, "has 1001 entries; expected at most 1000"),
    ],
)
def test_a_bad_document_is_refused_with_what_is_wrong(sent, message):
    """Place, key, value, and what was expected."""
    with pytest.raises(Misconfigured, match=message):
        document(sent)


def test_a_document_nested_without_end_is_refused():
    """Nothing that is sent may exhaust the stack."""
    condition = GOOD
    for _ in range(30):
        condition = {"not": condition}
    with pytest.raises(Misconfigured, match="nested deeper than 20"):
        document([{"drop": condition}])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=6),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["rules", "outputs", "name", "drop", "keep", "any", "not", "field", "search", "above"]
            ),
            part,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.binary())
def test_whatever_is_sent_is_a_document_or_is_refused(sent, line):
    """And whatever the line, it has a verdict or is a dead letter."""
    with suppress(Misconfigured):
        rules = document(sent)
        with suppress(InvalidEvent):
            rules.dropped_by(line)


def test_a_dry_run_counts_every_line_once_and_shows_examples():
    """Lines are kept, dropped by a rule, or dead letters. A rule that drops none is listed, too."""
    lines = [*sample_events("cdn-logs"), b"broken", None]
    dry_run = try_rules(load_document(sample_filter_rules()), lines, lambda: True)
    assert (dry_run.lines, dry_run.kept) == (10_001, 7_794)
    assert list(dry_run.dropped.items()) == [("bots", 1_397), ("favicon", 808), ("rule-3:statusCode", 0)]
    assert dry_run.dead_lettered == {"not_json": 1, "empty": 1}
    assert [len(dry_run.examples[rule]) for rule in ("bots", "favicon")] == [3, 3]


@pytest.mark.parametrize(
    ("rule", "line", "matched"),
    [
        ({"fieldName": "f", "regex": "a"}, {"f": "a", "g": "a"}, {"f": "a"}),
        ({"fieldName": "f", "regex": "a", "include": True}, {"f": "b"}, {"f": "b"}),
        ({"fieldName": "f", "regex": "a", "include": True}, {"g": "a"}, {"f": None}),
        ({"drop": {"any": [FIELD_IS_A, OTHER_IS_BIG]}}, {"f": "x", "g": 9}, {"g": "9"}),
        ({"drop": {"all": [FIELD_IS_A, OTHER_IS_BIG]}}, {"f": "a", "g": 9}, {"f": "a", "g": "9"}),
        ({"drop": {"not": {"any": [FIELD_IS_A, OTHER_IS_BIG]}}}, {"g": 1}, {"f": None, "g": "1"}),
        ({"keep": {"all": [FIELD_IS_A, OTHER_IS_BIG]}}, {"f": "a", "g": 1}, {"g": "1"}),
        ({"keep": {"not": FIELD_IS_A}}, {"f": "a"}, {"f": "a"}),
        ({"drop": {"field": "f.h", "matches": "a"}}, {"f": {"h": "a"}}, {"f.h": "a"}),
    ],
)
def test_a_dry_run_names_the_fields_by_which_a_rule_drops_a_line(rule, line, matched):
    """Of many tests only those that speak for it, however they are grouped; values as they were sent."""
    kept_by_all = {"fieldName": "unseen", "regex": "x", "name": "another"}
    rules = document([kept_by_all, rule | {"name": "r"}])
    dry_run = try_rules(rules, [orjson.dumps(line)], lambda: True)
    assert dry_run.matched == {"r": [matched]}


def test_a_dry_run_names_the_fields_by_which_no_output_takes_a_line():
    """A line that is lost at the last step is as hard to explain as any."""
    outputs = [{"name": "o", "topic": "t", "rules": [{"keep": {"field": "f", "at_least": 400}}]}]
    dry_run = try_rules(document({"outputs": outputs}), [b'{"f":"200"}'], lambda: True)
    assert dry_run.matched == {NO_OUTPUT: [{"f": "200"}]}


def test_a_dry_run_ends_when_its_time_is_up():
    """It says so, and what it has seen until then."""
    looks = iter([True, True, False])
    dry_run = try_rules(document([]), [b"{}"] * 5_000, lambda: next(looks))
    assert (dry_run.lines, dry_run.kept, dry_run.complete) == (2_000, 2_000, False)


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        (["a?" * 64_000], "has 128000 characters; expected at most 4096"),
        ([r"\pL" * 200], "expected one that RE2 can run"),
        ([r"\pL" * 50] * 20, "expected at most 250000"),
    ],
)
def test_patterns_that_take_long_to_compile_are_refused_soon(patterns: list[str], told: str):
    """Every worker compiles them, on the loop that handles events; one of 128 KB took 16 s."""
    for key in ("regex", "search", "matches"):
        rules = [
            {"fieldName": "UA", key: each} if key == "regex" else {"drop": {"field": "UA", key: each}}
            for each in patterns
        ]
        with pytest.raises(Misconfigured, match=re.escape(told)):
            read_document(orjson.dumps(rules), "rules")


def test_a_thousand_usual_patterns_are_taken():
    """As many rules as a document may have."""
    rules = [
        {"name": f"{n}", "fieldName": "UA", "regex": f"(?i).*(bot|crawl|spider){n}.*"} for n in range(1_000)
    ]
    assert len(read_document(orjson.dumps(rules), "rules").rules) == 1_000
