"""Line stages: what ``dataflow apply`` runs, without a broker."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.demo.samples import sample_filter_rules
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.lines import LINE_STAGES, StageOptions

SAMPLE = StageOptions(rules=sample_filter_rules())
STAGES = {name: compile_stage(SAMPLE) for name, compile_stage in LINE_STAGES.items()}


@pytest.mark.parametrize(
    ("stage", "line", "out"),
    [
        ("filter", b'{ "statusCode":"200" }', [b'{ "statusCode":"200" }']),
        ("filter", b'{"statusCode":"200","UA":"Googlebot/2.1"}', []),
        ("stay-category", b"{}", [b'{"stay_category": "Erroneous data"}']),
        (
            "source-category",
            b'{"utm_source":"bing"}',
            [b'{"utm_source":"bing", "source_category": "search_engine"}'],
        ),
    ],
)
def test_a_stage_gives_the_lines_that_go_on(stage: str, line: bytes, out: list[bytes]) -> None:
    """One, or none if it is dropped on purpose."""
    assert STAGES[stage](line) == out


@given(st.sampled_from(sorted(STAGES)), st.binary())
def test_every_line_ends_in_one_place(stage: str, line: bytes) -> None:
    """Sent on, dropped or dead-lettered; nothing crashes."""
    with suppress(InvalidEvent):
        assert len(STAGES[stage](line)) <= 1


def test_a_filter_without_rules_is_refused() -> None:
    """Passing everything in silence would be a surprise."""
    with pytest.raises(Misconfigured, match="expected --rules FILE"):
        LINE_STAGES["filter"](StageOptions())


def test_remembering_is_bounded_in_number_and_in_length() -> None:
    """An attacker's values must not fill the memory."""
    asked: list[str] = []

    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    lengths = BoundedCache(length, bound=2)
    assert [lengths[text] for text in ("a", "a", "bb", "ccc", "x" * 1000)] == [1, 1, 2, 3, 1000]
    assert asked == ["a", "bb", "ccc", "x" * 1000]
    assert dict(lengths) == {"ccc": 3}
