"""DataStream 2: CDN log lines as Akamai sends them in, their typed form out."""

from collections.abc import Callable

from dataflow.stages.datastream2.typed import parse_datastream2


def line_stage() -> Callable[[bytes], list[bytes]]:
    """Return a function from a raw line to its one line of typed JSON.

    It raises `InvalidEvent` for a line that is a dead letter.
    """
    return lambda raw: [parse_datastream2(raw)]
