"""Operations: what one method of one path takes and answers, declared; as OpenAPI 3.1 out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]  # what orjson writes
JSON_SCHEMAS = "#/components/schemas/{name}"
DATE_TIME: Json = {"type": "string", "examples": ["2026-01-31", "2026-01-31T12:00:00Z"]}


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """An object that has exactly these fields: what a worker says beyond them fails a test."""


class Error(Answer):
    """Why a request is refused: what was found, and what was expected."""

    error: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the query, the path or a header; a path without it is another path."""

    name: str
    description: str
    schema: Json = field(default_factory=lambda: {"type": "string"})
    example: str | int | None = None
    place: Literal["query", "path", "header"] = "query"
    required: bool = False

    def as_json(self) -> Json:
        """Return the parameter object."""
        told: Json = {"name": self.name, "in": self.place, "description": self.description}
        told["schema"] = self.schema
        if self.required or self.place == "path":
            told["required"] = True
        return told if self.example is None else told | {"example": self.example}


@dataclass(frozen=True, slots=True)
class Content:
    """A body: media type and schema, or the type it is made from."""

    media: str = "application/json"
    schema: Json | type[msgspec.Struct] = field(default_factory=lambda: {"type": "object"})
    example: object = None

    def as_json(self) -> Json:
        """Return the content object."""
        found = self.schema
        schema = found if isinstance(found, dict) else {"$ref": JSON_SCHEMAS.format(name=found.__name__)}
        told: Json = {"schema": schema}
        return {self.media: told if self.example is None else told | {"example": self.example}}


GUARDED = {
    401: "Who asks is not known",
    403: "Nobody is let in, or another site asks",
    429: "Too many wrong passwords",
    503: "Kafka is away",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. What is not 200 is an `Error`, but for what `answers` says."""

    method: Literal["get", "put", "post", "delete"]
    path: str
    tag: str
    summary: str
    description: str = ""
    parameters: Sequence[Parameter] = ()
    body: Sequence[Content] = ()
    answer: Content | None = None
    """Of 200, or of `status`; None for an answer without a body."""
    status: HTTPStatus = HTTPStatus.OK
    refusals: Mapping[int, str] = field(default_factory=dict)
    guarded: bool = False
    """Whether who asks has to be somebody who may send: `GUARDED` says what others get."""

    def as_json(self) -> Json:
        """Return the operation object."""
        told: Json = {"tags": [self.tag], "operationId": self._id, "summary": self.summary}
        if self.description:
            told["description"] = self.description
        if self.parameters:
            told["parameters"] = [parameter.as_json() for parameter in self.parameters]
        if self.body:
            told["requestBody"] = {"required": True, "content": _merged(self.body)}
        told["responses"] = self._responses()
        if self.guarded:
            told["security"] = [{"password": []}, {"token": []}, {}]
        return told

    @property
    def types(self) -> list[type[msgspec.Struct]]:
        """The types that its bodies are made from."""
        every = [*self.body, *([self.answer] if self.answer else [])]
        return [content.schema for content in every if not isinstance(content.schema, dict)]

    @property
    def _id(self) -> str:
        words = self.path.replace("{", "by/").replace("}", "").replace(".", "/").replace("-", "/").split("/")
        return "_".join([self.method, *filter(None, words)])

    def _responses(self) -> Json:
        content = {} if self.answer is None else {"content": self.answer.as_json()}
        responses: Json = {str(int(self.status)): {"description": self.status.phrase, **content}}
        refusals = {**(GUARDED if self.guarded else {}), **self.refusals}
        for status, meaning in sorted(refusals.items()):
            refused = {"content": Content(schema=Error).as_json()} if status >= HTTPStatus.BAD_REQUEST else {}
            responses[str(status)] = {"description": meaning, **refused}
        return responses


def _merged(contents: Sequence[Content]) -> Json:
    return {media: told for content in contents for media, told in content.as_json().items()}


def path_parameter(name: str, description: str, example: str | int) -> Parameter:
    """Return a part of the path."""
    return Parameter(name, description, {"type": "string"}, example, "path")


def whole_number(least: int, most: int, usual: int | None = None) -> Json:
    """Return the schema of a whole number; `usual` where none is given."""
    schema: Json = {"type": "integer", "minimum": least, "maximum": most}
    return schema if usual is None else schema | {"default": usual}


def one_of(*names: str, usual: str | None = None) -> Json:
    """Return the schema of a choice."""
    return {"type": "string", "enum": list(names)} | ({} if usual is None else {"default": usual})
