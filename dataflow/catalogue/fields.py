"""Fields of a Record: names, types and meanings, from which sinks derive their columns."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import faust


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `types` are those of its values, without None; a list or a dict is there as such."""

    name: str
    types: frozenset[object]
    is_optional: bool

    @property
    def is_number_as_text(self) -> bool:
        """Tell whether senders may write a number in quotes."""
        return str in self.types and not self.types.isdisjoint({int, float})


def fields_of(record: type[faust.Record]) -> Mapping[str, Field]:
    """Return the fields of a Record by their names, in its order."""
    hints = get_type_hints(record)
    # What begins with an underscore is Faust's own.
    return {name: _field(name, hint) for name, hint in hints.items() if not name.startswith("_")}


def _field(name: str, hint: object) -> Field:
    types = set(get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,))
    return Field(name, frozenset(types - {NoneType}), NoneType in types)


def meanings_of(record: type[faust.Record]) -> Mapping[str, str]:
    """Return what the docstring below each field says, by the field's name."""
    meanings: dict[str, str] = {}
    for declared in reversed(record.__mro__[: record.__mro__.index(faust.Record)]):
        [definition] = ast.parse(textwrap.dedent(inspect.getsource(declared))).body
        assert isinstance(definition, ast.ClassDef)
        for field, text in zip(definition.body, definition.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                match text:
                    case ast.Expr(value=ast.Constant(value=str(meaning))):
                        meanings[field.target.id] = inspect.cleandoc(meaning)
    return meanings
