"""DataStream 2: what holds for every line."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from dataflow.demo.samples import sample_events
from dataflow.errors import InvalidEvent
from dataflow.stages.datastream2 import line_stage
from dataflow.stages.datastream2.fields import ALWAYS, FIELDS, FieldKind

SAMPLE = sample_events("cdn-logs")
STAGE = line_stage()


def typed(line: dict[str, object] | bytes) -> dict[str, object]:
    """Return the typed form of a line."""
    [out] = STAGE(line if isinstance(line, bytes) else json.dumps(line).encode())
    entry: dict[str, object] = json.loads(out)
    return entry


@given(st.integers(31_536_000_000, 253_402_300_799_999))
def test_every_millisecond_comes_out_as_it_was_sent(at_ms):
    """1971 to 9999."""
    ts = typed({"reqTimeSec": f"{at_ms // 1000}.{at_ms % 1000:03d}"})["ts"]
    assert str(ts).endswith(f".{at_ms % 1000:03d}Z")
    assert typed({"reqTimeSec": at_ms / 1000})["ts"] == ts


def test_every_line_of_the_sample_has_a_typed_form():
    """9,999 lines, none dropped."""
    entries = [typed(line) for line in SAMPLE]
    assert len(entries) == 9_999
    assert sum(int(str(entry["bytes"])) for entry in entries) == sum(
        int(json.loads(line)["bytes"]) for line in SAMPLE
    )
    assert all(entry["ts"] and entry["endpoint"] for entry in entries)


values = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values |= st.sampled_from(["1", "-", "^", "", "%", "%41", "1645568187.280", "//BC/[a=1]"]) | st.lists(
    st.integers()
)
documents = st.dictionaries(st.sampled_from(list(FIELDS)) | st.text(), values, max_size=12)


@given(documents.map(lambda document: json.dumps(document).encode()) | st.binary())
@example(b'{"UA":"\\ud800"}')
@example(b'{"x":"\\u0000"}')
def test_every_line_has_exactly_one_outcome(raw):
    """A JSON object with all shared names, or a dead letter."""
    try:
        entry = typed(raw)
    except InvalidEvent:
        return
    assert set(entry) >= ALWAYS


@given(
    st.fixed_dictionaries(
        {},
        optional={
            key: (
                st.integers(-(2**63), 2**63 - 1).map(str)
                if kind is FieldKind.NUMBER
                else st.text("ab %é/", min_size=2)
            )
            for key, (_, kind) in FIELDS.items()
            if key not in ("reqTimeSec", "breadcrumbs", "version")
        },
    )
)
def test_an_unknown_key_changes_nothing_else(line):
    """Lines with and without one take different ways, and must agree."""
    assert typed(line | {"new": "x"}) == typed(line) | {"new": "x"}
    assert typed(line | {"billingRegion": None, "lastByte": "-"}) == typed(
        line | {"billingRegion": None, "lastByte": None}
    )
