"""Logged request: what one access log line says by itself, before anything is looked up."""

import msgspec


class LoggedRequest(msgspec.Struct, gc=False, kw_only=False):
    """The parts of an access log line; null where the line has no value.

    Names, order and meaning are those of `models.access_log_entry.AccessLogEntry`,
    which documents them.
    """

    ip: str | None = None
    ts: str | None = None
    host: str | None = None
    ident: str | None = None
    user: str | None = None
    method: str | None = None
    endpoint: str | None = None
    query: str | None = None
    protocol: str | None = None
    status: int | None = None
    bytes: int | None = None
    referer: str | None = None
    user_agent: str | None = None
    response_time_ms: float | None = None
