"""The OpenAPI document: valid, of exactly the routes that there are, and true of what they answer."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import quote

import msgspec
import pytest
from harness.workers import WORKER_SECRET, Reply
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import dataflow.web
from dataflow.access.worker_proof import proof_headers
from dataflow.engine.query import Inquiry, ReadEventCounts
from dataflow.web.openapi import document, types_of
from dataflow.web.route import Routes
from dataflow.web.routes import ALL

DOCUMENT = json.loads(document(ALL))
GETS = [route for route in ALL if route.method == "get"]

ROUTES = """
from dataflow.app import app
from dataflow.assembly import assemble
from dataflow.settings import settings
assemble(app, settings())
print(sorted({(route.method, route.resource.canonical) for route in app.web.web_app.router.routes()}))
"""


def test_the_document_is_valid():
    """By the specification's own schema, and all it refers to is there."""
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_it_has_every_route_and_no_other(tmp_path):
    """A route that is added, renamed or dropped is so there, too."""
    environment = {"DATAFLOW_BROKER": "127.0.0.1:9", "DATAFLOW_DATA_DIR": str(tmp_path), "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", ROUTES], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    served = {route for route in ast.literal_eval(done.stdout) if route[0] != "HEAD"}
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert told == served


def test_every_resource_is_in_it_and_no_two_types_have_one_name():
    """A file that nobody lists would be seen by nobody, and the second of two types would hide the first."""
    names = [module.name for module in pkgutil.iter_modules(dataflow.web.__path__, "dataflow.web.")]
    tables = [getattr(importlib.import_module(name), "routes", ()) for name in names]
    declared = {id(route) for table in tables if isinstance(table, Routes) for route in table}
    assert declared
    assert declared <= set(map(id, ALL))
    types = {each for route in ALL for each in types_of(route)}
    assert len({each.__name__ for each in types}) == len(types)


def _parameters(route):
    return [parameter for group in route.parameters.values() for parameter in group]


def test_parameters_of_a_path_are_those_that_are_declared():
    """Else a client could not be made from it."""
    for route in ALL:
        named = set(re.findall(r"{(\w+)}", route.path))
        assert named == {each.name for each in _parameters(route) if each.place == "path"}, route.path


def test_every_field_of_an_answer_is_required():
    """A client need not ask whether it is there, whatever a struct begins with while it is counted."""
    for route in ALL:
        if route.answer_type is not None:
            schema = DOCUMENT["components"]["schemas"][route.answer_type.__name__]
            assert schema["required"] == list(schema["properties"]), route.path


@pytest.fixture(scope="module")
def letter(worker):
    """Return a dead letter of the worker."""
    found = worker.wait_for("/dead-letters?limit=1", lambda reply: reply.json.get("dead_letters"))
    return found.json["dead_letters"][0]


def _address(route, **values):
    path, query = route.path, {}
    for parameter in _parameters(route):
        value = values.get(parameter.name, parameter.extra.get("example"))
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", quote(str(value), safe=""))
        elif parameter.place == "query" and value is not None:
            query[parameter.name] = value
    asked = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
    return f"{path}?{asked}" if asked else path


def _check(route, status, reply):
    """Check a reply against what the document says of this status."""
    told = DOCUMENT["paths"][route.path][route.method]["responses"][str(status)]
    kind = reply.headers["Content-Type"].partition(";")[0]
    assert kind in told["content"], (route.path, kind)
    if kind == "application/json":
        schema = {**told["content"][kind]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(reply.json)


@pytest.mark.parametrize("route", GETS, ids=lambda route: route.path)
def test_what_a_route_answers_is_what_is_told_of_it(worker, letter, route):
    """Asked as its own examples say; a field too many or too few fails."""
    place = {"partition": letter["partition"], "offset": letter["offset"]}
    reply = worker.as_worker(_address(route, **place))
    assert reply.status == 200, reply.body
    _check(route, 200, reply)


@pytest.mark.parametrize(
    "route",
    [each for each in GETS if 400 in each.errors],
    ids=lambda route: route.path,
)
def test_a_parameter_too_many_is_refused_as_it_is_told(worker, route):
    """One form of refusal everywhere."""
    address = _address(route)
    reply = worker.get(f"{address}{'&' if '?' in address else '?'}nonsense=1")
    assert reply.status == 400, route.path
    _check(route, 400, reply)


QUERY = msgspec.msgpack.encode(Inquiry(["expedia"], ReadEventCounts()))
"""The one body that is no text."""


def _send(worker, route, **headers):
    """Send a request as its own examples say."""
    body = None
    if "body" in route.types or route.body:
        [(media, content), *_] = DOCUMENT["paths"][route.path][route.method]["requestBody"]["content"].items()
        example = content.get("example", QUERY)
        body = example if isinstance(example, str | bytes) else json.dumps(example)
        headers["Content-Type"] = media
    connection = HTTPConnection("127.0.0.1", worker.port, timeout=60)
    try:
        method, address = route.method.upper(), _address(route)
        headers |= proof_headers(WORKER_SECRET, method, f"{worker.url}{address}")
        connection.request(method, address, body, headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


def test_what_is_sent_as_the_examples_say_is_taken_and_answered_as_it_is_told(alone):
    """A person who copies a command of the page gets what the page promises."""
    for route in ALL:
        if route.method == "get":
            continue
        any_version = {"If-Match": "*"} if 428 in route.errors else {}
        reply = _send(alone, route, **any_version)
        # Nobody can log in at a worker without an access file.
        status = 403 if (route.method, route.path) == ("post", "/session") else int(route.status)
        assert reply.status == status, (route, reply)
        _check(route, status, reply)
    refused = next(o for o in ALL if (o.method, o.path) == ("put", "/rules"))
    for status, headers in ((428, {}), (412, {"If-Match": '"77"'})):
        reply = _send(alone, refused, **headers)
        assert reply.status == status
        _check(refused, status, reply)


def test_the_worker_serves_the_document(worker):
    """The same for all."""
    reply = worker.get("/openapi.json")
    assert (reply.status, reply.json) == (200, DOCUMENT)
