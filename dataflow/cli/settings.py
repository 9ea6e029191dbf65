"""`dataflow settings`: shows every setting, its value and its source."""

import os
from dataclasses import dataclass

from dataflow.cli.terminal import page, people_read, print_json, table_of


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting; a secret's value is masked. `source` is `default` or the variable's name."""

    variable: str
    value: object
    source: str
    meaning: str


def settings() -> None:
    """Show every setting and its source.

    Settings are environment variables. All faults are listed at once; secrets are
    masked. In a pipe the output is JSON.

    \b
    Example:
      DATAFLOW_CHECKPOINT_MS=50 dataflow settings
      dataflow settings | jq .DATAFLOW_DELIVERY
    """
    rows = _shown_settings()
    if people_read():
        lines = [(row.variable, _as_written(row.value), row.source, row.meaning) for row in rows]
        page().print(table_of(("setting", "value", "source", "meaning"), lines))
    else:
        print_json({row.variable: {"value": row.value, "source": row.source} for row in rows})


def _shown_settings() -> list[ShownSetting]:
    from pydantic import SecretStr

    from dataflow.settings import Settings, read_settings, variable_of

    current = read_settings()
    values = current.model_dump(mode="json")
    given = {name.upper() for name, text in os.environ.items() if text}
    rows = []
    for name, field in Settings.model_fields.items():
        variable = variable_of(name)
        secret = isinstance(getattr(current, name), SecretStr)
        value = "********" if secret else values[name]
        source = variable if variable in given else "default"
        rows.append(ShownSetting(variable, value, source, field.description or ""))
    return rows


def _as_written(value: object) -> str | None:
    if isinstance(value, list):
        return ",".join(value) or None
    return None if value is None else str(value)
