"""Parameters: fields of a request type, read from path, query and headers, and described by OpenAPI."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from multidict import MultiMapping

from dataflow.errors import one_of
from dataflow.http_error import HttpError, bad_value
from dataflow.web.json_schema import Json, expectation, given_type, parse_text, value_schema

R = TypeVar("R", bound=msgspec.Struct)
Place = Literal["query", "path", "header"]


def about(description: str, *, names: Sequence[str] = (), **extra: object) -> Meta:
    """Return what OpenAPI says of a field of a request type, for `Annotated`.

    `names` are the values that there are, if the type does not say it. `extra` is what no schema says:
    `example`; `place="header"`; `required=True` for a field that is optional only to Python.
    """
    schema = {"enum": list(names)} if names else None
    return Meta(description=description, extra=extra, extra_json_schema=schema)


def named(name: str, default: object = None) -> Any:  # noqa: ANN401  # stands for a value of any type
    """Return the default of a field whose name in the request is no name in Python."""
    return msgspec.field(name=name, default=default)


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """A request whose query must be empty."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a request type."""

    field: msgspec.structs.FieldInfo
    place: Place
    value_type: Any  # a type, which may be a union
    schema: Json
    extra: Mapping[str, object]
    """Beyond the schema: `example`, and `required` for one whose absence has an error of its own."""

    @property
    def name(self) -> str:
        """Its name in the request."""
        return self.field.encode_name

    def read(self, text: str) -> object:
        """Return the value that a text stands for; raise `HttpError` with what is expected."""
        try:
            return msgspec.convert(text, self.value_type, strict=False, dec_hook=parse_text)
        except ValueError:
            raise bad_value(self.name, text, expectation(self.schema)) from None

    def as_openapi(self) -> Json:
        """Return the parameter object."""
        schema = self.schema | ({} if self.field.default in _NO_DEFAULTS else {"default": self.field.default})
        described = {"name": self.name, "in": self.place, "description": schema.pop("description", "")}
        required = {"required": True} if self.field.required or self.extra.get("required") else {}
        example = {"example": self.extra["example"]} if "example" in self.extra else {}
        return described | {"schema": schema} | required | example


def parameters_of(request_type: type[msgspec.Struct], path: str) -> Sequence[Parameter]:
    """Return the fields of a request type; those that the path names are in the path."""
    return [_parameter(field, path) for field in msgspec.structs.fields(request_type)]


def read_parameters(
    request_type: type[R],
    parameters: Sequence[Parameter],
    query: Iterable[tuple[str, str]],
    path: Mapping[str, str],
    headers: Mapping[str, str],
) -> R:
    """Return the request; raise `HttpError` for the first parameter that is not as expected."""
    is_strict = request_type.__struct_config__.forbid_unknown_fields
    in_query = [parameter.name for parameter in parameters if parameter.place == "query"]
    asked = single_values(query, in_query) if is_strict else dict(query)
    texts = {"query": asked, "path": path, "header": headers}
    values = {
        parameter.field.name: parameter.read(_sent(texts[parameter.place], parameter.name))
        for parameter in parameters
        if parameter.name in texts[parameter.place]
    }
    for parameter in parameters:
        if parameter.field.required and parameter.field.name not in values:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"{parameter.name} is missing; expected it")
    return request_type(**values)


def _sent(texts: Mapping[str, str], name: str) -> str:
    """Return the text of a parameter; a header that comes twice is the list of both, as HTTP has it."""
    return ", ".join(texts.getall(name)) if isinstance(texts, MultiMapping) else texts[name]


def single_values(pairs: Iterable[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """Return the parameters by name; refuse unknown and repeated ones."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise bad_value("parameter", name, one_of(known) if known else "none here")
        if name in values:
            raise bad_value(name, f"{values[name]}, {value}", "it once")
        values[name] = value
    return values


_NO_DEFAULTS = (None, msgspec.NODEFAULT)


def _parameter(field: msgspec.structs.FieldInfo, path: str) -> Parameter:
    value_type = given_type(field.type)
    extra = getattr(msgspec.inspect.type_info(value_type), "extra", None) or {}
    in_path = f"{{{field.encode_name}}}" in path
    place: Place = "path" if in_path else extra.get("place", "query")
    return Parameter(field, place, value_type, value_schema(value_type), extra)
