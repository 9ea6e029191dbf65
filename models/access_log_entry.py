"""Access log entry: one request to a web server, as topic ``access-logs-parsed`` tells of it."""

import faust


class AccessLogEntry(faust.Record, include_metadata=False):
    """One line of an access log, with what its user agent and its address tell.

    All fields are always there, in this order. Null: the line, the user agent or the GeoIP
    databases have no value; none is ever guessed.
    """

    ip: str | None = None
    """Address of the client, or its name where the server logs names."""
    ts: str | None = None
    """Event time, from the line itself: ``2015-05-17T10:05:03Z``, UTC; with milliseconds if the line has."""
    host: str | None = None
    """Host that was asked for, or the server's name, without a port."""
    ident: str | None = None
    """Name by identd."""
    user: str | None = None
    """Name that the client logged in with."""
    method: str | None = None
    """HTTP method as sent; null if what was sent is no HTTP request."""
    endpoint: str | None = None
    """Path without its query, percent-encoded as the client sent it; a full URL if one was asked for."""
    query: str | None = None
    """What follows the question mark, as the client sent it."""
    protocol: str | None = None
    """``HTTP/1.1``."""
    status: int | None = None
    """HTTP status of the response."""
    bytes: int | None = None
    """Bytes of the body that were sent; null for ``-``."""
    referer: str | None = None
    """Page that the request came from, by the client."""
    user_agent: str | None = None
    """What the client calls itself, the log's escapes undone."""
    response_time_ms: float | None = None
    """How long the server took, ms."""
    ua_device: str | None = None
    """``mobile``, ``tablet``, ``pc``, ``tv``, ``console`` or ``other``."""
    ua_os: str | None = None
    """Operating system: ``Mac OS X``."""
    ua_os_version: str | None = None
    """Version of the operating system: ``10.9.1``."""
    ua_browser: str | None = None
    """Browser or other program: ``Chrome Mobile``."""
    ua_browser_version: str | None = None
    """Version of the browser: ``32.0.1700``."""
    is_bot: bool | None = None
    """No person waits for the answer: crawler, link preview, monitor, feed reader, script, scanner."""
    country: str | None = None
    """Country of the client, ISO 3166 alpha-2."""
    country_name: str | None = None
    """Country of the client, in English."""
    region: str | None = None
    """Region of the client, first level below the country, in English."""
    city: str | None = None
    """City of the client, in English."""
    latitude: float | None = None
    """Degrees north."""
    longitude: float | None = None
    """Degrees east."""
    asn: int | None = None
    """Autonomous system of the client, a number."""
    as_org: str | None = None
    """Who runs that autonomous system."""
