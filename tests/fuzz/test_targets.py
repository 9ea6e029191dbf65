"""Every target of the fuzzer under Hypothesis: whole inputs, damaged ones, and any bytes at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.settings import settings as app_settings

with pytest.MonkeyPatch.context() as patched:
    patched.setenv("DATAFLOW_BROKER", "nowhere:9092")  # it is not asked for
    app_settings.cache_clear()
    from fuzz.seeds import SEEDS
    from fuzz.targets import TARGETS
app_settings.cache_clear()  # other tests have settings of their own

LONG = {"request", "long request", "repeated streams"}
"""Each of their inputs takes tens of milliseconds: `make fuzz` tries more of them."""

PIECES = [
    *b'" \\ { } [ ] , : null true - % + 1e400 NaN -1 \\ud800 \xd9\xa3'.split(b" "),
    *(b"\n", b"\r\n", b"\t", b"\0", b"\xff", b" ", b'"inf"', b"9" * 400, b"[" * 2_000),
]


@st.composite
def damaged(draw, name: str) -> bytes:
    """Return an input of a target in which some pieces are replaced."""
    raw = draw(st.sampled_from(SEEDS[name]))
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(raw)))
        end = begin + draw(st.integers(0, 40))
        raw = raw[:begin] + draw(st.sampled_from(PIECES) | st.binary(max_size=20)) + raw[end:]
    return raw


@pytest.mark.parametrize("name", TARGETS)
def test_whole_inputs_hold_what_a_target_asserts(name: str):
    """Else the fuzzer would begin with nothing that gets past the first check."""
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - LONG))
@settings(deadline=None, max_examples=150)  # no deadline: a busy machine
@given(data=st.data())
def test_no_bytes_crash_a_stage_or_make_its_counters_miss_a_line(name: str, data: st.DataObject):
    """Each line ends in one counted place."""
    TARGETS[name](data.draw(damaged(name) | st.binary()))


@pytest.mark.parametrize("name", sorted(LONG))
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_no_body_crashes_the_receiver_or_makes_it_miss_a_line(name: str, data: st.DataObject):
    """However long it is, and however it is packed."""
    TARGETS[name](data.draw(damaged(name) | st.binary()))
