"""`dataflow settings`: shows every setting, its value and its source."""

import os
from collections.abc import Iterator

from dataflow.cli.terminal import page, people_read, print_json, table_of


def settings() -> None:
    """Show every setting and its source.

    Settings are environment variables. All mistakes in them are listed at once. A secret can be in a file:
    for DATAFLOW_BROKER_PASSWORD, set DATAFLOW_BROKER_PASSWORD_FILE to the path of the file. Secrets are
    masked, also in URLs. In a pipe the output is JSON.

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
    from dataflow.settings import Settings, read_settings, variable_of
    from dataflow.settings.secret_files import SUFFIX

    current = read_settings()
    values = current.model_dump(mode="json")
    given = {name.upper() for name, text in os.environ.items() if text}
    for name, field in Settings.model_fields.items():
        variable = variable_of(name)
        source = next((one for one in (variable, variable + SUFFIX) if one in given), "default")
        yield variable, _masked(values[name]), source, field.description or ""


def _masked(value: object) -> object:
    from dataflow.masking import MASK, masked_setting

    if isinstance(value, list):
        return [_masked(one) for one in value]
    if not isinstance(value, str):
        return value
    return masked_setting(value) if value.strip("*") else value and MASK  # of a secret no length is shown


def _as_written(value: object) -> str | None:
    if isinstance(value, list):
        return ",".join(value) or None
    return None if value is None else str(value)
