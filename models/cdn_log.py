"""CDN log: one request to the CDN, as Akamai DataStream 2 writes it to topic ``cdn-logs``."""

import faust

# ruff: noqa: N815 - the attributes are the JSON keys as sent

# Nearly every value is a text, numbers too; a sender may be set to write numbers.
CdnValue = str | int | float | bool | None


class CdnLog(faust.Record, include_metadata=False):
    """One line, its fields named by the keys that are sent; unknown keys are kept, not read.

    *No value* is written as absent, null, ``-``, ``^`` or an empty text.
    """

    streamId: CdnValue = None
    """Stream that sent the line, a number."""
    cp: CdnValue = None
    """Content provider code, a number."""
    reqId: CdnValue = None
    """Id of the request, short hex; not unique."""
    reqTimeSec: CdnValue = None
    """Event time: epoch seconds, with or without milliseconds."""
    version: CdnValue = None
    """Version of the log format."""
    isMidgress: CdnValue = None
    """0: to the edge, 1: to a parent, 2: peer traffic between edges."""
    bytes: CdnValue = None
    """Bytes of the body that were sent."""
    cliIP: CdnValue = None
    """Address of the client."""
    statusCode: CdnValue = None
    """HTTP status of the response."""
    proto: CdnValue = None
    """``HTTPS`` or ``HTTP/1.1``."""
    reqHost: CdnValue = None
    """Host that was asked for."""
    reqMethod: CdnValue = None
    """HTTP method."""
    reqPath: CdnValue = None
    """Path, percent-encoded, with or without its leading slash."""
    reqPort: CdnValue = None
    """Port at the edge."""
    rspContentLen: CdnValue = None
    """Bytes of the body, by its header."""
    rspContentType: CdnValue = None
    """Media type of the body."""
    UA: CdnValue = None
    """User agent, percent-encoded."""
    tlsOverheadTimeMSec: CdnValue = None
    """TLS handshake, ms."""
    tlsVersion: CdnValue = None
    """``TLSv1.3``."""
    objSize: CdnValue = None
    """Bytes of the object."""
    uncompressedSize: CdnValue = None
    """Bytes of the object once unpacked."""
    overheadBytes: CdnValue = None
    """Bytes of headers and framing."""
    totalBytes: CdnValue = None
    """Bytes of everything that was sent."""
    queryStr: CdnValue = None
    """Query, percent-encoded, without the question mark."""
    fileSizeBucket: CdnValue = None
    """Size class of the object."""
    brotliStatus: CdnValue = None
    """What became of Brotli compression."""
    originContentLen: CdnValue = None
    """Bytes of the body as the origin sent it."""
    accLang: CdnValue = None
    """``Accept-Language`` of the client."""
    cookie: CdnValue = None
    """Cookies, percent-encoded."""
    range: CdnValue = None
    """``Range`` of the client."""
    referer: CdnValue = None
    """``Referer`` of the client, percent-encoded."""
    xForwardedFor: CdnValue = None
    """``X-Forwarded-For`` of the client."""
    maxAgeSec: CdnValue = None
    """Seconds the object may stay in a cache."""
    reqEndTimeMSec: CdnValue = None
    """Reading of the request, ms."""
    errorCode: CdnValue = None
    """Why it failed: ``ERR_ACCESS_DENIED|fwd_acl``."""
    turnAroundTimeMSec: CdnValue = None
    """Wait for the origin, ms."""
    transferTimeMSec: CdnValue = None
    """Sending of the response, ms."""
    dnsLookupTimeMSec: CdnValue = None
    """DNS look-up, ms."""
    lastByte: CdnValue = None
    """1 if the last byte was sent, else 0."""
    asn: CdnValue = None
    """Autonomous system of the client, a number."""
    timeToFirstByte: CdnValue = None
    """Wait for the first byte, ms."""
    edgeAttempts: CdnValue = None
    """Tries the edge made."""
    cacheStatus: CdnValue = None
    """1: from the edge cache, 0: forwarded."""
    cacheable: CdnValue = None
    """1 if the object may be cached, else 0."""
    breadcrumbs: CdnValue = None
    """The way through the network: ``//BC/[a=…,c=g]``."""
    edgeIP: CdnValue = None
    """Address of the edge."""
    country: CdnValue = None
    """Country of the client, ISO 3166 alpha-2."""
    state: CdnValue = None
    """State or region of the client, percent-encoded."""
    city: CdnValue = None
    """City of the client, percent-encoded."""
    serverCountry: CdnValue = None
    """Country of the edge, ISO 3166 alpha-2."""
    billingRegion: CdnValue = None
    """Region for the bill, a number."""
    securityRules: CdnValue = None
    """Firewall policy and rules that applied."""
    contentProtection: CdnValue = None
    """What content protection found."""
    ewUsageInfo: CdnValue = None
    """EdgeWorkers: resources used."""
    ewExecutionInfo: CdnValue = None
    """EdgeWorkers: how they ran."""
    cmcd: CdnValue = None
    """Common media client data."""
    customField: CdnValue = None
    """What the customer put there."""
