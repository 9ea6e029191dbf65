"""Forms: a page of any site may send their types to any other without asking, so no JSON route takes them."""

from http import HTTPStatus

import pytest
from aiohttp.test_utils import make_mocked_request

from dataflow.access.identity import AccessRole
from dataflow.http_error import HttpError
from dataflow.web.body import refuse_forms
from dataflow.web.route import Route
from dataflow.web.routes import ALL

CHANGING = [route for route in ALL if route.method != "get" and route.role is not AccessRole.SEND]
FORMS = [
    "text/plain",
    "Text/Plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
    "application/json, text/plain",
]


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("route", CHANGING, ids=lambda route: f"{route.method} {route.path}")
async def test_no_route_that_changes_something_takes_a_form(route: Route, kind: str):
    """Nor one without a body, as a form may be empty."""
    request = make_mocked_request(route.method.upper(), "/", headers={"Content-Type": kind})
    with pytest.raises(HttpError, match=r"^Content-Type is .*; expected application/json$") as refused:
        await route.respond(request)
    assert refused.value.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.msgpack", "", None])
def test_other_types_are_let_through(kind: str | None):
    """A script may leave the type out: a page that does is known by its Origin."""
    refuse_forms(make_mocked_request("POST", "/", headers={} if kind is None else {"Content-Type": kind}))


def test_only_the_routes_of_senders_take_forms():
    """Curl sends the type of a form unless it is told otherwise, and these are documented with it."""
    others = {route.path for route in ALL if route.method != "get"} - {route.path for route in CHANGING}
    assert others == {"/ingest", "/ingest/{stream}", "/events"}
