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

import pytest
from harness.workers import Reply
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from dataflow.web.openapi.document import document, operations

DOCUMENT = json.loads(document())
GETS = [operation for operation in operations() if operation.method == "get"]

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


def test_every_resource_is_in_it_and_no_two_answers_have_one_name():
    """A file that nobody lists would be seen by nobody, and the second of two shapes would hide the first."""
    package = importlib.import_module("dataflow.web.openapi")
    names = [module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
    every = [each for name in names for each in getattr(importlib.import_module(name), "OPERATIONS", ())]
    assert sorted(map(id, every)) == sorted(map(id, operations()))
    shapes = {shape for operation in every for shape in operation.types}
    assert len({shape.__name__ for shape in shapes}) == len(shapes)


def test_parameters_of_a_path_are_those_that_are_declared():
    """Else a client could not be made from it."""
    for operation in operations():
        named = set(re.findall(r"{(\w+)}", operation.path))
        assert named == {each.name for each in operation.parameters if each.place == "path"}, operation.path


@pytest.fixture(scope="module")
def letter(worker):
    """Return a dead letter of the worker."""
    found = worker.wait_for("/dead-letters?limit=1", lambda reply: reply.json.get("dead_letters"))
    return found.json["dead_letters"][0]


def _address(operation, **chosen):
    path = operation.path
    for parameter in operation.parameters:
        value = chosen.get(parameter.name, parameter.example)
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", quote(str(value), safe=""))
    asked = {p.name: p.example for p in operation.parameters if p.place == "query" and p.example is not None}
    query = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
    return f"{path}?{query}" if query else path


def _check(operation, status, reply):
    """Check a reply against what the document says of this status."""
    told = DOCUMENT["paths"][operation.path][operation.method]["responses"][str(status)]
    kind = reply.headers["Content-Type"].partition(";")[0]
    assert kind in told["content"], (operation.path, kind)
    if kind == "application/json":
        schema = {**told["content"][kind]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(reply.json)


@pytest.mark.parametrize("operation", GETS, ids=lambda operation: operation.path)
def test_what_a_route_answers_is_what_is_told_of_it(worker, letter, operation):
    """Asked as its own examples say; a field too many or too few fails."""
    place = {"partition": letter["partition"], "offset": letter["offset"]}
    reply = worker.get(_address(operation, **place))
    assert reply.status == 200, reply.body
    _check(operation, 200, reply)


@pytest.mark.parametrize(
    "operation",
    [each for each in GETS if 400 in each.refusals and not each.path.startswith("/_query")],
    ids=lambda operation: operation.path,
)
def test_a_parameter_too_many_is_refused_as_it_is_told(worker, operation):
    """One form of refusal everywhere."""
    address = _address(operation)
    reply = worker.get(f"{address}{'&' if '?' in address else '?'}nonsense=1")
    assert reply.status == 400, operation.path
    _check(operation, 400, reply)


def _send(worker, operation, **headers):
    """Send a request as its own examples say."""
    body = None
    if operation.body:
        content = operation.body[0]
        body = content.example if isinstance(content.example, str) else json.dumps(content.example)
        headers["Content-Type"] = content.media
    connection = HTTPConnection("127.0.0.1", worker.port, timeout=60)
    try:
        connection.request(operation.method.upper(), _address(operation), body, headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


def test_what_is_sent_as_the_examples_say_is_taken_and_answered_as_it_is_told(alone):
    """A person who copies a command of the page gets what the page promises."""
    for operation in operations():
        if operation.method == "get":
            continue
        any_version = {"If-Match": "*"} if operation.method == "put" else {}
        reply = _send(alone, operation, **any_version)
        assert reply.status == operation.status, (operation, reply)
        _check(operation, int(operation.status), reply)
    refused = next(o for o in operations() if (o.method, o.path) == ("put", "/rules"))
    for status, headers in ((428, {}), (412, {"If-Match": '"77"'})):
        reply = _send(alone, refused, **headers)
        assert reply.status == status
        _check(refused, status, reply)


def test_the_worker_serves_the_document(worker):
    """The same for all."""
    reply = worker.get("/openapi.json")
    assert (reply.status, reply.json) == (200, DOCUMENT)
