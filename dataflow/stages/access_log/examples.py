"""Examples: what a server may write for a directive."""

import re
from datetime import UTC, datetime

from dataflow.errors import InvalidEvent
from dataflow.stages.access_log.directives import Directive

_AT = datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)
_TEXTS = (
    "17/May/2015:10:05:03 +0000", "[17/May/2015:10:05:03 +0000]", "2015-05-17T10:05:03+00:00", "200", "12",
    "0.012", "1431857103", "HTTP/1.1", "-", "",
)  # fmt: skip
_EPOCHS = ("1431857103.606", "1431857103606", "1431857103606007")


def example_of(directive: Directive) -> str:
    """Return a text that the directive reads."""
    if directive.strptime is not None:
        return _AT.strftime(directive.strptime)
    if directive.pattern is None:
        return "GET / HTTP/1.1" if "protocol" in directive.fields else "/" if directive.split else "a"
    texts = _EPOCHS if directive.is_fine else ("192.0.2.1",) if "ip" in directive.fields else _TEXTS
    return next(text for text in texts if re.fullmatch(directive.pattern, text) and _is_read(directive, text))


def _is_read(directive: Directive, text: str) -> bool:
    try:
        return directive.time is None or directive.time(text) != ""
    except InvalidEvent:
        return False
