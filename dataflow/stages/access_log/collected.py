"""Collected: the JSON of a collector of logs in; the line that it stored, its host and time out."""

from collections.abc import Iterator

import msgspec

from dataflow.errors import InvalidEvent, Reason

Line = str | list[int] | None
"""A text, or its bytes: journald writes them where a text has control characters."""


class Collected(msgspec.Struct, gc=False):
    """The keys under which collectors put a line, its time and its host."""

    log: object = None
    """Docker's json-file, Fluent Bit; Filebeat has the place of the line there."""
    MESSAGE: object = None
    """``journalctl -o json``."""
    message: object = None
    """Filebeat, Vector."""
    short_message: object = None
    """GELF."""
    textPayload: object = None  # noqa: N815 - the key as sent
    """Google Cloud."""
    jsonPayload: object = None  # noqa: N815 - the key as sent
    line: object = None
    """Docker's driver awslogs."""
    event: object = None
    """Splunk's HTTP event collector: a line or its fields, or Docker's object with the line; Logstash."""
    raw: object = msgspec.field(default=None, name="_raw")
    """What Splunk exports."""
    result: object = None
    """Of Splunk as well, around it."""
    LogEntry: object = None
    """Azure Monitor, ContainerLog."""
    LogMessage: object = None
    """Azure Monitor, ContainerLogV2."""
    resultDescription: object = None  # noqa: N815 - the key as sent
    """Azure, AppServiceConsoleLogs."""
    body: object = None
    """OpenTelemetry."""
    timeUnixNano: object = None  # noqa: N815 - the key as sent
    json: object = None
    """Filebeat, and Fluent Bit below: a line of JSON, taken apart."""
    log_processed: object = None
    part: object = msgspec.field(default=None, name="_p")
    """Fluent Bit and Fluentd: whole (F), or a part (P) of a line of a container."""
    logtag: object = None
    time: object = None
    at_timestamp: object = msgspec.field(default=None, name="@timestamp")
    journal_time: object = msgspec.field(default=None, name="__REALTIME_TIMESTAMP")
    timestamp: object = None
    journal_host: object = msgspec.field(default=None, name="_HOSTNAME")
    host: object = None
    """Vector and GELF: its name; Filebeat: an object with its name."""
    hostname: object = None
    """rsyslog, which has the line in `msg`; beside that of other programs is no tag."""
    HOST: object = None
    """syslog-ng."""
    msg: object = None
    syslogtag: object = None


_NESTED = ("message", "log", "line", "original", "stringValue", "_raw")

_decode = msgspec.json.Decoder(Collected).decode


def collected(text: str) -> tuple[str, str | None, str | None] | None:
    """Return the line in a collector's JSON, its host, and its time as written; null if there is none.

    Raises `InvalidEvent` for a part of a line.
    """
    try:
        found = _decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if "P" in (found.part, found.logtag):
        raise part_of_a_line()
    line = next((line for line in _lines_of(found) if line), None)
    if line is None:
        return None
    times = (found.time, found.at_timestamp, found.journal_time, found.timestamp, found.timeUnixNano)
    time = next((time for time in times if isinstance(time, str | float | int)), None)
    hosts = (found.journal_host, found.host, found.hostname, found.HOST)
    host = next((name for name in map(_name_of, hosts) if name), None)
    return line, host and _without_nul(host), None if time is None else _without_nul(str(time))


def part_of_a_line() -> InvalidEvent:
    """Return the fault of a line that a container runtime has cut."""
    return InvalidEvent(
        Reason.UNPARSABLE,
        "line is a part (P) that the container runtime has cut off a longer one; expected a whole line, "
        "as `dataflow ingest` makes of the file",
    )


def _lines_of(found: Collected) -> Iterator[str | None]:
    texts = (
        found.log, found.MESSAGE, found.message, found.short_message, found.textPayload, found.line,
        found.event, found.raw, found.LogEntry, found.LogMessage, found.resultDescription, found.body,
        found.syslogtag and found.msg,
    )  # fmt: skip
    yield from map(_line_of, texts)
    nested = (found.event, found.jsonPayload, found.body, found.result)
    yield from (_line_of(value.get(key)) for value in nested if isinstance(value, dict) for key in _NESTED)
    objects = (found.jsonPayload, found.json, found.log_processed, found.event)
    yield from (msgspec.json.encode(value).decode() for value in objects if isinstance(value, dict) and value)


def _line_of(value: object) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return str(bytes(value), "utf-8", "backslashreplace") if isinstance(value, list) else None
    except (TypeError, ValueError):  # other values than bytes
        return None


def _without_nul(text: str) -> str:
    # As in the texts of lines: hardly a database takes one.
    return text.replace("\0", r"\x00")


def _name_of(value: object) -> str | None:
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) and name else None
