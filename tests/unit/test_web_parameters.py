"""Parameters of a query: what is understood, and that all else is refused by name, value and expectation."""

from datetime import UTC, timedelta, timezone
from http import HTTPStatus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from dataflow.engine.tables import ALL, DAY, HOUR, MINUTE, Distinct, Quantiles, WindowedTable
from dataflow.http_error import HttpError
from dataflow.web.ingest import SenderHeaders
from dataflow.web.parameter import NoParameters, parameters_of, read_parameters
from dataflow.web.table_request import Instant, KeyRequest, PageStart, Selection, TableRequest, select

TABLE = WindowedTable(
    "views_per_page",
    key="page",
    windows=(MINUTE, HOUR, DAY),
    lateness_ms=0,
    distinct_users=Distinct("user"),
    seconds=Quantiles("seconds"),
)
NEVER_ALL = WindowedTable("views_per_hour", key="page", windows=(MINUTE, HOUR), all_time=False)
DAY_MS = 86_400_000
PLACE = "a place as next of the page before has it, such as 0:100"
QUERY = ("window", "from", "to", "merge", "limit", "after", "top", "order")
INSTANT = "an ISO 8601 date or date-time, UTC where it names no offset (its + is written %2B here)"


def read(request_type, *query: tuple[str, str]):
    """Return the request that a query makes of a path."""
    parameters = parameters_of(request_type, "/tables/{name}/{key}")
    path = {parameter.name: "x" for parameter in parameters if parameter.place == "path"}
    return read_parameters(request_type, parameters, query, path, {})


def selected(table: WindowedTable = TABLE, **values: str) -> Selection:
    """Return what these parameters select; `from_` stands for `from`."""
    return select(table, read(TableRequest, *((name.rstrip("_"), value) for name, value in values.items())))


def refused(table: WindowedTable = TABLE, **values: str) -> str:
    """Return why these parameters are refused."""
    with pytest.raises(HttpError) as caught:
        selected(table, **values)
    assert caught.value.status is HTTPStatus.BAD_REQUEST
    return str(caught.value)


def test_nothing_said_is_all_time_by_count():
    """The first thing to ask of a table is what it has counted altogether."""
    assert selected() == Selection(ALL, None, None, merge=False, top=None, order="count")


def test_a_table_without_all_time_answers_with_its_largest_window():
    """There must be a default where all time is not kept."""
    assert selected(NEVER_ALL).window == HOUR


def test_every_parameter_is_understood():
    """One example with all of them."""
    assert selected(
        window="hour",
        from_="2017-08-01",
        to="2017-08-02T12:30Z",
        merge="true",
        limit="7",
        after="3600000:5",
        top="10",
        order="distinct_users",
    ) == Selection(
        HOUR, 1_501_545_600_000, 1_501_677_000_000, True, 7, PageStart(3_600_000, 5), 10, "distinct_users"
    )


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", DAY_MS),
        ("1970-01-01T00:00:00.001", 1),
        ("1970-01-01T00:00:00.0019", 1),
        ("1970-01-01 01:00", 3_600_000),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31", -DAY_MS),
        ("2016-02-29T00:00:00Z", 1_456_704_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999-00:00", 253_402_300_799_999),
    ],
)
def test_an_instant_is_milliseconds_since_1970_utc(text, milliseconds):
    """Without an offset it is UTC; the ends of the calendar do not overflow."""
    assert Instant.parse(text).ms == milliseconds


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_an_instant_reads_the_same_in_every_offset(moment, minutes):
    """An offset says how an instant is written, not which one it is."""
    try:
        there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:  # the day before the first, or after the last
        assume(False)
    without_offset = moment.replace(tzinfo=None)
    assert Instant.parse(without_offset.isoformat()).ms == Instant.parse(there.isoformat()).ms


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"window": "week"},
            "window is 'week'; expected minute, hour, day or all, as views_per_page has",
        ),
        ({"window": ""}, "window is ''; expected minute, hour, day or all, as views_per_page has"),
        ({"merge": "1"}, "merge is '1'; expected true or false"),
        ({"limit": "0"}, "limit is '0'; expected a whole number from 1 to 1000"),
        ({"limit": "1001"}, "limit is '1001'; expected a whole number from 1 to 1000"),
        ({"after": "5"}, f"after is '5'; expected {PLACE}"),
        ({"after": "-1:5"}, f"after is '-1:5'; expected {PLACE}"),
        ({"after": "1:5:2"}, f"after is '1:5:2'; expected {PLACE}"),
        ({"after": "1_0:5"}, f"after is '1_0:5'; expected {PLACE}"),
        ({"after": "٣:5"}, f"after is '٣:5'; expected {PLACE}"),
        ({"after": "9" * 19 + ":5"}, f"after is '{'9' * 19}:5'; expected {PLACE}"),
        ({"top": "0"}, "top is '0'; expected a whole number from 1 to 999999999"),
        ({"top": "-1"}, "top is '-1'; expected a whole number from 1 to 999999999"),
        ({"top": "٣"}, "top is '٣'; expected a whole number from 1 to 999999999"),
        ({"top": "1000000000"}, "top is '1000000000'; expected a whole number from 1 to 999999999"),
        (
            {"order": "users"},
            "order is 'users'; expected count, distinct_users or key, as views_per_page has",
        ),
        (
            {"order": "seconds"},
            "order is 'seconds'; expected count, distinct_users or key, as views_per_page has",
        ),
        (
            {"from_": "2017-08-01"},
            "from is '2017-08-01'; expected none with window=all, which is one for all time",
        ),
        (
            {"window": "day", "to": "2161-10-00"},
            f"to is '2161-10-00'; expected {INSTANT}",
        ),
        (
            {"window": "day", "from_": "0001-01-01T00:00:00+14:00"},
            f"from is '0001-01-01T00:00:00+14:00'; expected {INSTANT}",
        ),
        (
            {"window": "day", "to": "9999-12-31T23:59:59-14:00"},
            f"to is '9999-12-31T23:59:59-14:00'; expected {INSTANT}",
        ),
        (
            {"window": "day", "from_": "2017-08-01T00:00:00 02:00"},
            f"from is '2017-08-01T00:00:00 02:00'; expected {INSTANT}",
        ),
        (
            {"window": "day", "from_": "2017-08-02", "to": "2017-08-01"},
            "from is '2017-08-02'; expected an instant before to, which is 2017-08-01",
        ),
        (
            {"window": "day", "from_": "2017-08-01", "to": "2017-08-01"},
            "from is '2017-08-01'; expected an instant before to, which is 2017-08-01",
        ),
    ],
)
def test_a_bad_parameter_is_named_with_its_value_and_what_was_expected(values, message):
    """Who reads it can mend the address without looking anything up."""
    assert refused(**values) == message


def test_what_is_not_a_window_of_this_table_is_refused():
    """Another table may have it."""
    assert (
        refused(NEVER_ALL, window="all") == "window is 'all'; expected minute or hour, as views_per_hour has"
    )


def test_an_unknown_parameter_is_refused():
    """A slip such as `form=` would else be answered as if it had not been said."""
    with pytest.raises(
        HttpError,
        match="parameter is 'form'; "
        "expected window, from, to, merge, topic, newest, limit, after, top, keys, where or order",
    ):
        read(TableRequest, ("form", "2017-08-01"))


def test_one_key_has_no_top():
    """There is one entry a window: neither `top` nor `order` could mean anything."""
    with pytest.raises(
        HttpError,
        match="parameter is 'top'; expected window, from, to, merge, topic, newest, limit or after",
    ):
        read(KeyRequest, ("top", "3"))


def test_a_parameter_said_twice_is_refused():
    """Neither the first nor the last is what was meant."""
    with pytest.raises(HttpError, match="top is '3, 4'; expected it once"):
        read(TableRequest, ("top", "3"), ("top", "4"))


@pytest.mark.parametrize(("sent", "read_as"), [(["gzip"], "gzip"), (["identity", "gzip"], "identity, gzip")])
def test_a_header_that_comes_twice_is_a_list(sent: list[str], read_as: str):
    """The first alone was read: a packed body as it is, which a proxy before us would unpack."""
    headers = CIMultiDictProxy(CIMultiDict([("content-encoding", text) for text in sent]))
    parameters = parameters_of(SenderHeaders, "/ingest")
    request = read_parameters(SenderHeaders, parameters, [], {}, headers)
    assert request.encoding == read_as


def test_where_no_parameter_is_known_each_is_refused():
    """The list of tables takes none."""
    with pytest.raises(HttpError, match="parameter is 'x'; expected none here"):
        read(NoParameters, ("x", ""))


@given(st.lists(st.tuples(st.sampled_from(QUERY) | st.text(), st.text())))
def test_no_parameters_can_do_more_than_be_refused(pairs):
    """Whatever people write behind the question mark, a view answers."""
    outcome: Selection | HttpError
    try:
        outcome = select(TABLE, read(TableRequest, *pairs))
    except HttpError as refusal:
        outcome = refusal
    if isinstance(outcome, HttpError):
        assert outcome.status is HTTPStatus.BAD_REQUEST
        assert len(str(outcome)) < 1_000
    else:
        assert outcome.window in TABLE.every_window
        assert outcome.top is None or outcome.top >= 1
