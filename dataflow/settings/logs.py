"""Settings of the log: level and format."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field


class LogLevel(StrEnum):
    """The least severe log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look; `auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogSettings(BaseModel):
    """How log lines look."""

    log_level: Annotated[LogLevel, BeforeValidator(str.lower)] = Field(
        default=LogLevel.INFO, description="least severe log line written"
    )
    log_format: LogFormat = Field(default=LogFormat.AUTO, description="how log lines look")
