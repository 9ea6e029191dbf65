"""`dataflow settings`: shows every setting, its value and its source."""

import os
from collections.abc import Iterator

from dataflow.cli.terminal import page, people_read, print_json, table_of


def settings() -> None:
    """Show every setting and its source.

    Settings are environment variables. All faults are listed at once; secrets are
    masked. In a pipe the output is JSON.

    \b
    Example:
      DATAFLOW_CHECKPOINT_MS=50 dataflow settings
      dataflow settings | jq .DATAFLOW_CHECKPOINT_MS
    """
    rows = list(_rows())
    if people_read():
        lines = [(variable, _as_written(value), source, meaning) for variable, value, source, meaning in rows]
        page().print(table_of(("setting", "value", "source", "meaning"), lines))
    else:
        print_json({variable: {"value": value, "source": source} for variable, value, source, _ in rows})


def _rows() -> Iterator[tuple[str, object, str, str]]:
    """Yield variable, value, source (`default` or the variable) and meaning; secrets are masked."""
    from pydantic import SecretStr

    from dataflow.settings import Settings, read_settings, variable_of

    current = read_settings()
    values = current.model_dump(mode="json")
    given = {name.upper() for name, text in os.environ.items() if text}
    for name, field in Settings.model_fields.items():
        variable = variable_of(name)
        secret = isinstance(getattr(current, name), SecretStr)
        value = "********" if secret else values[name]
        source = variable if variable in given else "default"
        yield variable, value, source, field.description or ""


def _as_written(value: object) -> str | None:
    if isinstance(value, list):
        return ",".join(value) or None
    return None if value is None else str(value)
