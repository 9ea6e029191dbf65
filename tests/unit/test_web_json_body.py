"""JSON bodies and routes: what is wrong is named with its value, and a route is what its view's types say."""

from http import HTTPStatus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.http_error import HttpError
from dataflow.web.body import read_json_body
from dataflow.web.dead_letters import ReplayRequest, replay_letters
from dataflow.web.routes import ALL
from dataflow.web.rules import DryRunRequest
from dataflow.web.table_answer import TableAnswer


def error_of(raw: bytes) -> str:
    """Return why a body is refused."""
    with pytest.raises(HttpError) as caught:
        read_json_body(raw, ReplayRequest)
    assert caught.value.status is HTTPStatus.BAD_REQUEST
    return str(caught.value)


def test_a_body_is_read_with_the_types_of_its_fields():
    """Instants are those of the query, and an empty body has no field."""
    body = read_json_body(b'{"from":"2026-01-31","places":[[0,7]],"topic":null,"limit":5}', ReplayRequest)
    assert (body.start.ms, body.places, body.topic, body.limit) == (1_769_817_600_000, [(0, 7)], None, 5)
    assert read_json_body(b"", ReplayRequest) == ReplayRequest()


def test_rules_in_a_body_are_kept_as_they_are_written():
    """They are read by rules of their own, whose errors name them; null is no document."""
    body = read_json_body(b'{"rules": [ {"name":"x"} ],"lines":[]}', DryRunRequest)
    assert (bytes(body.rules), bytes(body.lines)) == (b'[ {"name":"x"} ]', b"[]")
    assert bytes(read_json_body(b'{"rules":null}', DryRunRequest).rules) == b"null"
    assert read_json_body(b"{}", DryRunRequest).rules is msgspec.UNSET


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"limit":0}', "limit is '0'; expected a whole number from 1 to 10000"),
        (b'{"limit":"5"}', "limit is '\"5\"'; expected a whole number from 1 to 10000"),
        (b'{"limit":null}', "limit is 'null'; expected a whole number from 1 to 10000"),
        (b'{"stage":7}', "stage is '7'; expected a text"),
        (
            b'{"places":[[1]]}',
            "places is '[[1]]'; expected a list of pairs, each a partition and an offset, ",
        ),
        (
            b'{"places":["3/1207"]}',
            "places is '[\"3/1207\"]'; expected a list of pairs, each a partition and ",
        ),
        (b'{"reason":"not json"}', "reason is '\"not json\"'; expected empty, "),
        (b'{"stage":"\xff"}', "stage is '\"\N{REPLACEMENT CHARACTER}\"'; expected a text"),
        (
            b'{"to":"yesterday"}',
            "to is '\"yesterday\"'; expected an ISO 8601 date or date-time, UTC",
        ),
        (b'{"stages":"x"}', "field is 'stages'; expected stage, reason, topic, from, to, places or limit"),
        (b"[]", "body is not a JSON object: Expected `object`, got `array`; expected "),
        (b"{", "body is not a JSON object: "),
        (b"\xff", "body is not a JSON object: "),
        (b'{"places":' + b"[" * 5_000, "body is not a JSON object: "),
    ],
)
def test_a_bad_field_is_named_with_its_value_and_what_was_expected(raw, message):
    """Who reads it can mend the body without looking anything up."""
    assert error_of(raw)[: len(message)] == message


@given(st.binary() | st.dictionaries(st.text(), st.text()).map(repr).map(str.encode))
def test_no_body_can_do_more_than_be_refused(raw):
    """Whatever is sent, a view answers."""
    outcome: ReplayRequest | HttpError
    try:
        outcome = read_json_body(raw, ReplayRequest)
    except HttpError as error:
        outcome = error
    if isinstance(outcome, HttpError):
        assert outcome.status is HTTPStatus.BAD_REQUEST
        assert len(str(outcome)) < 1_000
    else:
        assert 1 <= outcome.limit <= 10_000


def test_a_route_is_what_the_types_of_its_view_say():
    """They are written once."""
    routes = {(route.method, route.path): route for route in ALL}
    replay = routes["post", "/dead-letters/replay"]
    assert replay.view is replay_letters
    assert replay.types["body"] is ReplayRequest
    key = routes["get", "/tables/{name}/{key}"]
    assert key.answer_type is TableAnswer
    [parameters] = key.parameters.values()
    assert {each.name: each.place for each in parameters} == {
        "name": "path", "window": "query", "from": "query", "to": "query", "merge": "query", "limit": "query",
        "after": "query", "topic": "query", "newest": "query", "key": "path",
    }  # fmt: skip
