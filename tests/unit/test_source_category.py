"""Source category: a UTM source has one category, however it is written."""

from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.json_members import drop_fields
from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.source_category import (
    load_utm_sources,
    read_utm_sources,
    source_category,
    source_enrichment,
    user_email_domain,
)

SOURCES = load_utm_sources()
enrich = source_enrichment(SOURCES)


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("google", "search_engine"),
        ("bing", "search_engine"),
        ("facebook", "social_media"),
        ("instagram", "social_media"),
        ("mailchimp", "email_marketing"),
        (" Google\t", "search_engine"),
        ("FACEBOOK", "social_media"),
        ("tiktok", "other/unknown"),
        ("go ogle", "other/unknown"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_every_source_has_its_category(source: str | None, category: str | None) -> None:
    """The published map; no source, no category."""
    assert source_category(source, SOURCES) == category


@pytest.mark.parametrize(
    ("user", "domain"),
    [
        ("ann@example.org", "example.org"),
        ('"a@b"@example.org', "example.org"),
        ("ann", "n/a"),
        ("", "n/a"),
        ("ann@", ""),
        (None, None),
    ],
)
def test_the_domain_is_what_follows_the_last_at(user: str | None, domain: str | None) -> None:
    """An address may have an @ in quotes; an id without one is no address."""
    assert user_email_domain(user) == domain


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b'{"n":1.0}', b'{"n":1.0}'),
        (b'{"utm_source":null,"user_custom_id":null}', None),
        (b'{"utm_source":"bing"}', b'{"utm_source":"bing", "source_category": "search_engine"}'),
        (b'{"user_custom_id":"a@b"}', b'{"user_custom_id":"a@b", "user_email_domain": "b"}'),
        (
            b'{"source_category":"?","utm_source":"x"}',
            b'{"source_category":"other/unknown","utm_source":"x"}',
        ),
    ],
)
def test_a_field_with_nothing_to_say_is_not_added(sent: bytes, expected: bytes | None) -> None:
    """The rest of the page view stays byte for byte."""
    assert enrich(sent) == (sent if expected is None else expected)


@given(st.none() | st.text() | st.sampled_from([*SOURCES, "x"]), st.none() | st.text())
def test_no_value_crashes_the_stage(source: str | None, user: str | None) -> None:
    """Remembered or computed, the fields are the same."""
    event = {"utm_source": source, "user_custom_id": user}
    fields = {
        "source_category": source_category(source, SOURCES),
        "user_email_domain": user_email_domain(user),
    }
    expected = event | {name: value for name, value in fields.items() if value is not None}
    assert orjson.loads(enrich(orjson.dumps(event))) == expected


@given(st.binary())
def test_no_bytes_crash_the_stage(raw: bytes) -> None:
    """A line or an `InvalidEvent`."""
    with suppress(InvalidEvent):
        enrich(raw)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "map.json is not JSON"),
        (b"[]", r"map.json is \[\]; expected an object"),
        (b'{"google":5}', "map.json: category of 'google' is 5; expected a name"),
        (b'{"google":" "}', "map.json: category of 'google' is \" \"; expected a name"),
        (b'{" ":"x"}', "map.json: source is ' '; expected a name"),
        (b'{"a":"x"," A":"y"}', "map.json: source is ' A'; expected a name not used before"),
    ],
)
def test_a_bad_map_is_refused_with_what_is_wrong(text: bytes, message: str) -> None:
    """File, source, value and expectation: enough to mend it."""
    with pytest.raises(Misconfigured, match=message):
        read_utm_sources(text, "map.json")


def test_a_missing_map_is_named(tmp_path: Path) -> None:
    """The path that was tried, not a stack trace."""
    with pytest.raises(Misconfigured, match=r"none\.json'; expected a file that can be read"):
        load_utm_sources(tmp_path / "none.json")


def test_dropped_fields_leave_the_others_as_they_were() -> None:
    """First, middle, last, duplicate and all of them; nested names are other fields."""
    raw = b'{ "a" : 1 , "b":[{"a":1}], "c":1.0 ,"a":2 }\n'
    assert drop_fields(raw, frozenset("a")) == b'{ "b":[{"a":1}], "c":1.0 }\n'
    assert drop_fields(raw, frozenset("b")) == b'{ "a" : 1, "c":1.0 ,"a":2 }\n'
    assert drop_fields(raw, frozenset("abc")) == b"{ }\n"
    assert drop_fields(raw, frozenset("x")) == raw


def test_omitted_fields_go_and_the_added_ones_come() -> None:
    """The stage reads a field that does not go out; the rest stays as sent."""
    omitting = source_enrichment(SOURCES, omits=frozenset({"utm_source", "os"}))
    assert omitting(b'{"os":"x", "utm_source":"bing", "n":1.0}') == (
        b'{"n":1.0, "source_category": "search_engine"}'
    )
    assert omitting(b'{"os":"x"}') == b"{}"
