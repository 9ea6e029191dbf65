"""Stored lines: reads a server's line, or the one that a collector has wrapped; keeps its host and time."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from dataflow.errors import InvalidEvent
from dataflow.stages.access_log.lines import DetailedRequest, LoggedRequest, line_of
from dataflow.stages.access_log.wrapping import Wrapped, is_wrapped, unwrap

MOST_WRAPPINGS = 3  # a container's syslog that Docker and Kubernetes stored

ReadLine = Callable[[str], LoggedRequest]


def read_stored(line: str, read: ReadLine) -> LoggedRequest:
    """Return the request in a line, or in the one that is wrapped in it.

    Raises `InvalidEvent` if there is none.
    """
    wrappings: list[Wrapped] = []
    while len(wrappings) < MOST_WRAPPINGS:
        fault: InvalidEvent | None = None
        if not is_wrapped(line):
            try:
                return _with_said(read(line), wrappings)
            except InvalidEvent as error:
                fault = error
        wrapped = unwrap(line)
        if wrapped is None:
            assert fault is not None
            raise fault
        line = line_of(wrapped.line.encode())
        wrappings.append(wrapped)
    return _with_said(read(line), wrappings)


def read_innermost(line: str, read: ReadLine) -> LoggedRequest:
    """Return the request in a line by a format whose first column would take a collector's prefix, too.

    What only looks like a prefix is part of the line in it. Raises `InvalidEvent` if there is no request.
    """
    lines, wrappings = [line], list[Wrapped]()
    while len(wrappings) < MOST_WRAPPINGS and (wrapped := unwrap(lines[-1])) is not None:
        lines.append(line_of(wrapped.line.encode()))
        wrappings.append(wrapped)
    while wrappings:
        with suppress(InvalidEvent):
            return _with_said(read(lines.pop()), wrappings)
        wrappings.pop()
    return read(line)


def layers_of(line: str) -> Iterator[str]:
    """Yield a line, and what is wrapped in it."""
    yield line
    with suppress(InvalidEvent):
        for _ in range(MOST_WRAPPINGS):
            wrapped = unwrap(line)
            if wrapped is None:
                break
            line = line_of(wrapped.line.encode())
            yield line


def _with_said(request: LoggedRequest, wrappings: list[Wrapped]) -> LoggedRequest:
    """Return a request with what collectors say of it; the innermost knows best."""
    if not wrappings:
        return request
    hosts = [wrapped.host for wrapped in wrappings if wrapped.host]
    times = [wrapped.time for wrapped in wrappings if wrapped.time]
    said = {"log_host": hosts[-1] if hosts else None, "log_time": times[-1] if times else None}
    request.host = request.host or said["log_host"]
    return DetailedRequest.of(request, said)
