"""OpenAPI 3.1: the document of all routes, made from their declarations."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TypeGuard

import msgspec
import orjson

from dataflow import __version__
from dataflow.access.identity import AccessRole
from dataflow.web.authorize import CHANGES
from dataflow.web.csv_sheet import CSV
from dataflow.web.json_schema import REF_TEMPLATE, Json, schemas_of
from dataflow.web.route import Content, Route

ABOUT = """\
Every worker answers for the whole cluster. `HEAD` is `GET` without the body. Errors are JSON with one
field, `error`: which value is wrong, and what is expected.

Workers of role `all` and `ingest` receive events; those of role `all` and `enrich` filter and count.
A route that needs a role asks for a password, a token or a client certificate that the access file
gives that role, unless `DATAFLOW_OPEN_ROLES` gives it to everybody."""

SECURITY: Json = {
    "password": {"type": "http", "scheme": "basic", "description": "A user of DATAFLOW_ACCESS_FILE"},
    "token": {"type": "http", "scheme": "bearer", "description": "A token of DATAFLOW_ACCESS_FILE"},
}

PROTECTED = {
    401: "The client is not known",
    403: "The client does not have the role, or the request comes from another site",
    429: "Too many wrong passwords",
}
CHANGING = {503: "Kafka is away"}


class Error(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request is refused: which value is wrong, and what is expected."""

    error: str


def document(routes: Sequence[Route]) -> bytes:
    """Return the document as JSON."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = operation(route)
    types = {shape: None for route in routes for shape in types_of(route)}
    _, schemas = schemas_of([Error, *types])
    for answer_type in filter(None, (route.answer_type for route in routes)):
        schema = schemas[answer_type.__name__]
        schema["required"] = list(schema["properties"])  # also what has a default while it is counted
    return orjson.dumps(
        {
            "openapi": "3.1.1",
            "info": {"title": "Dataflow", "version": __version__, "description": ABOUT},
            "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
            "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": SECURITY},
        }
    )


def operation(route: Route) -> Json:
    """Return the operation object of a route."""
    described: Json = {"tags": [route.tag], "operationId": _id(route), "summary": route.summary}
    described["description"] = f"{route.description} {_needed(route)}".strip()
    groups = (*route.parameters.values(), route.format_parameters)
    parameters = [each.as_openapi() for group in groups for each in group]
    if parameters:
        described["parameters"] = parameters
    body_type = route.types.get("body")
    bodies = route.body or ([Content()] if _is_struct(body_type) else ())
    if bodies:
        described["requestBody"] = {"required": True, "content": _contents(bodies, body_type)}
    described["responses"] = _responses(route)
    if route.role is not AccessRole.EVERYBODY:
        described["security"] = [{"password": []}, {"token": []}, {}]
    return described


def _needed(route: Route) -> str:
    return "" if route.role is AccessRole.EVERYBODY else f"Needs the role {route.role}."


def _responses(route: Route) -> Json:
    content = _contents([route.answer], route.answer_type)
    content |= {} if route.sheet is None else {CSV: {"schema": {"type": "string"}}}
    responses: Json = {str(int(route.status)): {"description": route.status.phrase, "content": content}}
    unchanged = {304: "It has not changed since the ETag in If-None-Match"} if route.has_etag else {}
    protected = {} if route.role is AccessRole.EVERYBODY else PROTECTED
    changing = CHANGING if route.role in CHANGES else {}
    for status, meaning in sorted({**unchanged, **protected, **changing, **route.errors}.items()):
        error = {"content": _contents([Content()], Error)} if status >= HTTPStatus.BAD_REQUEST else {}
        responses[str(status)] = {"description": meaning, **error}
    return responses


def _contents(contents: Iterable[Content], shape: object) -> Json:
    return {
        content.media: {"schema": _schema(content.schema or shape)}
        | ({} if content.example is None else {"example": content.example})
        for content in contents
    }


def _schema(shape: object) -> object:
    if _is_struct(shape):
        return {"$ref": REF_TEMPLATE.format(name=shape.__name__)}
    return shape if isinstance(shape, dict) else {"type": "object"}


def types_of(route: Route) -> list[type[msgspec.Struct]]:
    """Return the types of what a route takes and answers."""
    written = [content.schema for content in route.body]
    return [shape for shape in (*written, route.types.get("body"), route.answer_type) if _is_struct(shape)]


def _is_struct(shape: object) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)


def _id(route: Route) -> str:
    words = route.path.replace("{", "by/").replace("}", "").replace(".", "/").replace("-", "/").split("/")
    return "_".join([route.method, *filter(None, words)])
