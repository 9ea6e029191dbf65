"""Reference of the settings; run as a module, it prints their page."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import get_args

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dataflow.settings import Settings, variable_of
from dataflow.settings.secret_files import SUFFIX, is_secret

COMPUTED = {
    "cache_dir": "`$XDG_CACHE_HOME/dataflow`, or `~/.cache/dataflow`",
    "advertised_host": "`DATAFLOW_WEB_HOST`, or the name of the machine if that is all addresses",
}
"""Defaults that depend on the machine."""

HEAD = f"""\
# Configuration

Every setting is an environment variable. An empty variable counts as unset. `dataflow settings` shows the
value of each, and where it comes from. A worker checks all settings before it starts, and reports all faults
together; a variable that begins with `DATAFLOW_` and is not on this page is a fault, too.

A secret can be in a file: set the variable with `{SUFFIX}` at its end to the path, such as
`DATAFLOW_BROKER_PASSWORD{SUFFIX}`. Never set both. [Operations](operations.md#secrets) has the details.

Lists are separated by commas. Sizes are in bytes.

This page is made from the declarations in `dataflow/settings/`:
`python -m dataflow.settings.reference > docs/configuration.md`.
"""

TABLE_HEAD = "| variable | default | allowed | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """Return `docs/configuration.md`."""
    return HEAD + "".join(f"\n{_section(group)}" for group in reversed(_groups()))


def _groups() -> list[type[BaseModel]]:
    return [base for base in Settings.__bases__ if base.__module__.startswith("dataflow.settings.")]


def _section(group: type[BaseModel]) -> str:
    docstring = (group.__doc__ or "").strip().splitlines()[0].rstrip(".")
    own = group.__annotations__
    rows = (f"| {' | '.join(_columns(name, group.model_fields[name]))} |\n" for name in own)
    return f"## {docstring}\n\n{TABLE_HEAD}{''.join(rows)}"


def _columns(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    default = COMPUTED.get(name) or _code(field.default) + _readable(name, field.default)
    return f"`{variable_of(name)}`", default, ", ".join(_allowed(field)), _escaped(field.description or "")


def _code(default: object) -> str:
    if default in (None, (), PydanticUndefined):
        return ""
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _readable(name: str, default: object) -> str:
    return f" ({default // 2**20} MiB)" if name.endswith("_bytes") and isinstance(default, int) else ""


def _allowed(field: FieldInfo) -> Iterator[str]:
    if is_secret(field.annotation):
        yield f"or `…{SUFFIX}`"
    choices = [one for one in _types(field.annotation) if issubclass(one, StrEnum)]
    yield from (f"`{one}`" for choice in choices for one in choice)
    if bool in _types(field.annotation):
        yield "`true`, `false`"
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge=least):
                yield f"at least {least:,}"
            case annotated_types.Gt(gt=least):
                yield f"more than {least}"
            case annotated_types.Le(le=most):
                yield f"at most {most:,}"


def _types(annotation: object) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [one for part in get_args(annotation) for one in _types(part)]


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    sys.stdout.write(page())
