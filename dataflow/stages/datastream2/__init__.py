"""DataStream 2: CDN log lines as Akamai sends them in, their typed form out."""

from collections.abc import Callable

from dataflow.engine.decoding import fault_of
from dataflow.engine.stage import ParseStage
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.datastream2.typed import parse_datastream2


def _read(raw: bytes | None) -> tuple[None, bytes]:
    if raw is None:
        raise InvalidEvent(Reason.EMPTY, "value is null; expected a DataStream 2 line")
    return None, parse_datastream2(raw)


DATASTREAM2: ParseStage[None] = ParseStage("datastream2", _read, fault_of)
"""The stage for a batch agent; its tables are counted by the filter."""


def line_stage() -> Callable[[bytes], list[bytes]]:
    """Return a function from a raw line to its one line of typed JSON; it raises `InvalidEvent`."""
    return lambda raw: [parse_datastream2(raw)]
