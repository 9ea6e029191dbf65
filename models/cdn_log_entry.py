"""CDN log entry: one request to the CDN in its typed form, as topic ``cdn-logs-parsed`` tells of it."""

import faust

# A component that a request went through: ip, request_id, component (edge, peer, parent, origin,
# cloud_wrapper), request_end_ms, turnaround_ms, dns_ms, geo, asn; those of them that are known.
Crumb = dict[str, str | int]


class CdnLogEntry(faust.Record, include_metadata=False):
    """One line of Akamai DataStream 2: numbers as numbers, texts percent-decoded once, time in UTC.

    Names that `AccessLogEntry` has too mean the same there. Those that tables and sinks ask for are always
    there, null if the line has no value; the others only if the line has them. Keys that are not known follow
    as they were sent, with ``sent_`` in front of their name if it is one of these.
    """

    version: str | int | float | None = None
    """Version of the log format, a number if it is a whole one."""
    stream_id: int | None = None
    """Stream that sent the line."""
    cp_code: int | None = None
    """Content provider code."""
    request_id: str | None = None
    """Id of the request, short hex; not unique."""
    ts: str | None = None
    """Event time, start of the request: ``2022-02-22T22:16:27.280Z``, UTC."""
    midgress: int | None = None
    """0: to the edge, 1: to a parent, 2: peer traffic between edges."""
    bytes: int | None = None
    """Bytes of the body that were sent."""
    ip: str | None = None
    """Address of the client."""
    status: int | None = None
    """HTTP status of the response."""
    protocol: str | None = None
    """``HTTPS`` or ``HTTP/1.1``, as sent."""
    host: str | None = None
    """Host that was asked for."""
    method: str | None = None
    """HTTP method."""
    endpoint: str | None = None
    """Path without its query, decoded, with one leading slash."""
    port: int | None = None
    """Port at the edge."""
    content_bytes: int | None = None
    """Bytes of the body, by its header."""
    content_type: str | None = None
    """Media type of the body."""
    user_agent: str | None = None
    """What the client calls itself."""
    tls_overhead_ms: int | None = None
    """TLS handshake, ms."""
    tls_version: str | None = None
    """``TLSv1.3``."""
    object_bytes: int | None = None
    """Bytes of the object."""
    uncompressed_bytes: int | None = None
    """Bytes of the object once unpacked."""
    overhead_bytes: int | None = None
    """Bytes of headers and framing."""
    total_bytes: int | None = None
    """Bytes of everything that was sent."""
    query: str | None = None
    """Query without the question mark."""
    file_size_bucket: str | None = None
    """Size class of the object."""
    brotli_status: str | None = None
    """What became of Brotli compression."""
    origin_content_bytes: int | None = None
    """Bytes of the body as the origin sent it."""
    accept_language: str | None = None
    """``Accept-Language`` of the client."""
    cookie: str | None = None
    """Cookies."""
    range: str | None = None
    """``Range`` of the client."""
    referer: str | None = None
    """Page that the request came from, by the client."""
    x_forwarded_for: str | None = None
    """``X-Forwarded-For`` of the client."""
    max_age_seconds: int | None = None
    """How long the object may stay in a cache."""
    request_end_ms: int | None = None
    """Reading of the request, ms."""
    error_code: str | None = None
    """Why it failed: ``ERR_ACCESS_DENIED|fwd_acl``."""
    turnaround_ms: int | None = None
    """Wait for the origin, ms."""
    transfer_ms: int | None = None
    """Sending of the response, ms."""
    dns_lookup_ms: int | None = None
    """DNS look-up, ms."""
    last_byte: int | None = None
    """1 if the last byte was sent, else 0."""
    asn: int | None = None
    """Autonomous system of the client, a number."""
    time_to_first_byte_ms: int | None = None
    """Wait for the first byte, ms."""
    edge_attempts: int | None = None
    """Tries the edge made."""
    cache_status: int | None = None
    """1: from the edge cache, 0: forwarded."""
    cacheable: int | None = None
    """1 if the object may be cached, else 0."""
    breadcrumbs: list[Crumb] | None = None
    """The components that it went through, in the order they are written."""
    edge_ip: str | None = None
    """Address of the edge."""
    country: str | None = None
    """Country of the client, ISO 3166 alpha-2."""
    region: str | None = None
    """State or region of the client."""
    city: str | None = None
    """City of the client."""
    server_country: str | None = None
    """Country of the edge, ISO 3166 alpha-2."""
    billing_region: int | None = None
    """Region for the bill, a number."""
    security_rules: str | None = None
    """Firewall policy and rules that applied."""
    content_protection: str | None = None
    """What content protection found."""
    edgeworkers_usage: str | None = None
    """EdgeWorkers: resources used."""
    edgeworkers_execution: str | None = None
    """EdgeWorkers: how they ran."""
    cmcd: str | None = None
    """Common media client data."""
    custom_field: str | None = None
    """What the customer put there."""
    duration_ms: int | None = None
    """`turnaround_ms`, `request_end_ms` and `transfer_ms` together; null if one is not known."""
    response_time_ms: int | None = None
    """`duration_ms` under the name of the access log, so that tables of both agree."""
    is_cache_hit: bool | None = None
    """Served from the edge cache; null if the line does not tell."""
