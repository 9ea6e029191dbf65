"""Envelopes: patterns of the JSON around the log entries that collectors send or store at once."""

import re
from typing import Final

from dataflow.sources.element_end import STRING

SPACES: Final = rb"[ \t\r\n]{0,64}+"

_ARRAYS: Final = (
    b"records",  # Azure
    b"streams", b"values",  # Loki
    b"logEvents",  # CloudWatch Logs
    b"resourceLogs", b"scopeLogs", b"logRecords",  # OpenTelemetry
    b"logs",  # New Relic
    b"events",  # aws logs get-log-events
    b"lines",  # LogDNA
)  # fmt: skip
"""Keys of the arrays that hold entries, or other envelopes."""

_BESIDE: Final = (
    b"stream", b"messageType", b"owner", b"logGroup", b"logStream", b"subscriptionFilters", b"resource",
    b"scope", b"schemaUrl", b"common", b"searchedLogStreams", b"nextToken", b"nextForwardToken",
    b"nextBackwardToken", b"policyLevel",
)  # fmt: skip
"""Keys of what stands beside these arrays."""

_MOST_NESTED: Final = 6


def _nested() -> bytes:
    """Return the pattern of an array or object with so many more in it, which is what a resource has."""
    pattern = rb'[{\[](?>[^{}\[\]"]++|%b)*+[}\]]' % STRING
    for _ in range(_MOST_NESTED):
        pattern = rb'[{\[](?>[^{}\[\]"]++|%b|%b)*+[}\]]' % (STRING, pattern)
    return pattern


_VALUE: Final = rb'(?>%b|%b|[^][{}", \t\r\n]++)' % (STRING, _nested())
_MEMBER: Final = rb'"(?:%b)"%b:%b%b%b' % (b"|".join(_BESIDE), SPACES, SPACES, _VALUE, SPACES)

ENVELOPE_BEGIN: Final = rb'\{%b(?:%b,%b)*+"(?:%b)"%b:%b\[' % (
    SPACES, _MEMBER, SPACES, b"|".join(_ARRAYS), SPACES, SPACES,
)  # fmt: skip
_KNOWN_KEY: Final = rb'"(?:%b)"' % b"|".join(_ARRAYS + _BESIDE)
# An empty array of an entry, which has other keys behind it, opens none.
_OPENS: Final = rb"(?=%b(?:[{[]|\]%b(?:\}|,%b%b)))" % (SPACES, SPACES, SPACES, _KNOWN_KEY)
_FIRST_LETTERS: Final = b"".join({key[:1] for key in _ARRAYS + _BESIDE})  # most entries begin with others
ENVELOPE: Final = re.compile(
    rb'(?=\{?%b"[%b])(?:%b%b|%b(?=[,}]))' % (SPACES, _FIRST_LETTERS, ENVELOPE_BEGIN, _OPENS, _MEMBER),
    re.DOTALL,
)
"""Matches the begin of an envelope up to its entries, or what stands behind them."""

ENVELOPE_END: Final = re.compile(
    rb"(?:%b%b:%b%b%b,?%b)++\}" % (STRING, SPACES, SPACES, _VALUE, SPACES, SPACES), re.DOTALL
)
"""Matches what stands behind the entries and is not known, up to the end of the envelope."""

_TEXTS: Final = rb"\{%b(?:%b%b:%b%b%b,?%b)*+\}" % (SPACES, STRING, SPACES, SPACES, STRING, SPACES, SPACES)
TIMED_LINE: Final = re.compile(
    rb'\[%b("[0-9]{1,20}")%b,%b(%b)%b(?:,%b%b%b)?\]'
    % (SPACES, SPACES, SPACES, STRING, SPACES, SPACES, _TEXTS, SPACES),
    re.DOTALL,
)
"""Matches an entry of Loki: its time in nanoseconds and its line, each in quotation marks."""
