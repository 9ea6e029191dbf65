"""The document: the operations of all resources in, OpenAPI 3.1 out."""

from functools import cache
from importlib.metadata import version

import msgspec
import orjson

from dataflow.web.openapi import analytics, dead_letters, rules, senders, tables, workers
from dataflow.web.openapi.operation import JSON_SCHEMAS, Error, Json, Operation

RESOURCES = (tables, analytics, senders, rules, dead_letters, workers)

ABOUT = """\
Every worker answers for the whole cluster. `HEAD` is `GET` without the body. What is refused is JSON with
one field, `error`, which says what was found and what was expected.

Workers of role `all` and `ingest` take what comes in; those of role `all` and `enrich` filter and count.
Who sends, changes or reads what is not everybody's has to show a password or token of those that are set;
where none are, only `DATAFLOW_INGEST_OPEN` lets somebody in."""

SECURITY: Json = {
    "password": {"type": "http", "scheme": "basic", "description": "DATAFLOW_INGEST_HTPASSWD_FILE"},
    "token": {"type": "http", "scheme": "bearer", "description": "DATAFLOW_INGEST_TOKEN_FILE"},
}


def operations() -> list[Operation]:
    """Return what every route takes and answers."""
    return [operation for resource in RESOURCES for operation in resource.OPERATIONS]


@cache
def document() -> bytes:
    """Return the document as JSON."""
    every = operations()
    paths: dict[str, Json] = {}
    for operation in every:
        paths.setdefault(operation.path, {})[operation.method] = operation.as_json()
    types = {shape.__name__: shape for operation in every for shape in operation.types}
    _, schemas = msgspec.json.schema_components([Error, *types.values()], ref_template=JSON_SCHEMAS)
    return orjson.dumps(
        {
            "openapi": "3.1.1",
            "info": {"title": "Dataflow", "version": version("dataflow"), "description": ABOUT},
            "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in every)],
            "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": SECURITY},
        }
    )
