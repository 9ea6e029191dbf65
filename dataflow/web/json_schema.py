"""JSON schemas of the types of requests and answers, and what a type expects in words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    runtime_checkable,
)

import msgspec

from dataflow.errors import one_of

Json: TypeAlias = dict[str, Any]  # what msgspec makes of a type
REF_TEMPLATE = "#/components/schemas/{name}"


@runtime_checkable
class Parsed(Protocol):
    """A parameter that is read from its text by a rule of its own."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value; raise ValueError."""

    @classmethod
    def json_schema(cls) -> Json:
        """Return how the text looks; its `title` is what is expected."""


def parse_text(value_type: type, text: str) -> object:
    """Return the value of a `Parsed` type; for `msgspec`, which calls it for types that it does not know."""
    assert issubclass(value_type, Parsed), value_type
    return value_type.parse(text)


def schemas_of(types: Iterable[Any]) -> tuple[Sequence[Json], Mapping[str, Json]]:
    """Return the schema of each type, and the components that they refer to."""
    hook = _schema_of_custom
    return msgspec.json.schema_components(types, schema_hook=hook, ref_template=REF_TEMPLATE)


def given_type(value_type: Any) -> Any:  # noqa: ANN401  # types are values here, unions too
    """Return the type of a value that is given: without None, which stands for one that is left out."""
    if get_origin(value_type) is Annotated:
        inner, *metadata = get_args(value_type)
        return Annotated[(given_type(inner), *metadata)]
    choices = [choice for choice in get_args(value_type) if choice is not NoneType]
    return reduce(or_, choices) if get_origin(value_type) in (Union, UnionType) else value_type


def value_schema(value_type: Any) -> Json:  # noqa: ANN401  # as above
    """Return the schema of a value that is given; names stand in the order of their declaration."""
    value_type = given_type(value_type)
    [schema], _ = schemas_of([value_type])
    while get_origin(value_type) is Annotated:
        value_type = get_args(value_type)[0]
    if get_origin(value_type) is Literal:
        return schema | {"enum": list(get_args(value_type))}
    if isinstance(value_type, type) and issubclass(value_type, StrEnum):  # else a reference, which names none
        said = {word: value for word, value in schema.items() if word != "$ref"}
        return said | {"type": "string", "enum": [*map(str, value_type)]}
    return schema


def expectation(schema: Json) -> str:
    """Return what a schema expects, as a message says it after *expected*."""
    if "title" in schema:
        return str(schema["title"])
    if "enum" in schema:
        return one_of(map(str, schema["enum"]))
    kind = str(schema.get("type", "another value"))
    bounds = f" from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""
    return _KINDS.get(kind, kind) + bounds


_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}


def _schema_of_custom(value_type: type) -> Json:
    if issubclass(value_type, Counter):
        return {"type": "object", "additionalProperties": {"type": "integer"}}
    if issubclass(value_type, Parsed):
        return value_type.json_schema()
    raise NotImplementedError(value_type)
