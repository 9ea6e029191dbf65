"""One vocabulary: what tables count of a CDN line is what its typed form says, which sinks store."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.tables.labels import NONE, label
from dataflow.errors import InvalidEvent
from dataflow.stages.datastream2.typed import parse_datastream2
from dataflow.stages.event_time import UNDATED, iso_ms
from dataflow.stages.filter_rules import read_request

TEXTS = st.one_of(
    st.sampled_from(["", "-", "^", "%2D", "/", "a?b", "%ff", "%00", "%", "%E6%97%A5", "//x", "+", " "]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
STATUSES = st.one_of(
    st.sampled_from(["", "-", "^", " 503", "0503", "503.0", "+500", "-500", "499", "500", None]),
    st.integers(-1_000, 10_000),
    st.integers(0, 999).map(str),
    st.floats(0, 999),
)
TIMES = st.one_of(
    st.sampled_from(["", "-", "^", "0", "31535999.999", "31536000", "1645568187.28", None]),
    st.integers(0, 4_000_000_000),
    st.integers(0, 4_000_000_000_000).map(lambda ms: f"{ms // 1000}.{ms % 1000:03}"),
)


@given(st.fixed_dictionaries({}, optional={
    "reqTimeSec": TIMES, "reqPath": TEXTS | st.none(), "statusCode": STATUSES, "cliIP": TEXTS | st.none()
}))  # fmt: skip
def test_a_line_that_has_a_typed_form_is_counted_as_it_says(line):
    """Else tables and PostgreSQL would disagree about endpoints, clients, errors or the range."""
    raw = json.dumps(line).encode()
    counted = read_request(raw)
    try:
        typed = json.loads(parse_datastream2(raw))
    except InvalidEvent:
        return
    assert label(counted.endpoint) == (NONE if typed["endpoint"] is None else label(typed["endpoint"]))
    assert label(counted.client) == label(typed["ip"])
    assert counted.is_error is ((typed["status"] or 0) >= 500)
    assert counted.at_ms == (UNDATED if typed["ts"] is None else iso_ms(typed["ts"]))
