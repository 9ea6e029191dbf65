"""Fields: the keys of DataStream 2, and the kind and the name that their values get."""

from enum import Enum


class FieldKind(Enum):
    """How a value is sent and read."""

    TEXT = "text, percent-encoded"
    NUMBER = "whole number, as text or as number"
    EITHER = "text or number"


_T, _N, _E = FieldKind.TEXT, FieldKind.NUMBER, FieldKind.EITHER

# In the order in which the sender lists them: the decoder is fastest if keys come in this order.
# Names that mean the same in an access log are the same there, so that tables of both agree.
FIELDS: dict[str, tuple[str, FieldKind]] = {
    "version": ("version", _E),
    "streamId": ("stream_id", _N),
    "cp": ("cp_code", _N),
    "reqId": ("request_id", _T),
    "reqTimeSec": ("ts", _E),
    "isMidgress": ("midgress", _N),
    "bytes": ("bytes", _N),
    "cliIP": ("ip", _T),
    "statusCode": ("status", _N),
    "proto": ("protocol", _T),
    "reqHost": ("host", _T),
    "reqMethod": ("method", _T),
    "reqPath": ("endpoint", _T),
    "reqPort": ("port", _N),
    "rspContentLen": ("content_bytes", _N),
    "rspContentType": ("content_type", _T),
    "UA": ("user_agent", _T),
    "tlsOverheadTimeMSec": ("tls_overhead_ms", _N),
    "tlsVersion": ("tls_version", _T),
    "objSize": ("object_bytes", _N),
    "uncompressedSize": ("uncompressed_bytes", _N),
    "overheadBytes": ("overhead_bytes", _N),
    "totalBytes": ("total_bytes", _N),
    "queryStr": ("query", _T),
    "fileSizeBucket": ("file_size_bucket", _T),
    "brotliStatus": ("brotli_status", _T),
    "originContentLen": ("origin_content_bytes", _N),
    "accLang": ("accept_language", _T),
    "cookie": ("cookie", _T),
    "range": ("range", _T),
    "referer": ("referer", _T),
    "xForwardedFor": ("x_forwarded_for", _T),
    "maxAgeSec": ("max_age_seconds", _N),
    "reqEndTimeMSec": ("request_end_ms", _N),
    "errorCode": ("error_code", _T),
    "turnAroundTimeMSec": ("turnaround_ms", _N),
    "transferTimeMSec": ("transfer_ms", _N),
    "dnsLookupTimeMSec": ("dns_lookup_ms", _N),
    "lastByte": ("last_byte", _N),
    "asn": ("asn", _N),
    "timeToFirstByte": ("time_to_first_byte_ms", _N),
    "edgeAttempts": ("edge_attempts", _N),
    "cacheStatus": ("cache_status", _N),
    "cacheable": ("cacheable", _N),
    "breadcrumbs": ("breadcrumbs", _T),
    "edgeIP": ("edge_ip", _T),
    "country": ("country", _T),
    "state": ("region", _T),
    "city": ("city", _T),
    "serverCountry": ("server_country", _T),
    "billingRegion": ("billing_region", _N),
    "securityRules": ("security_rules", _T),
    "contentProtection": ("content_protection", _T),
    "ewUsageInfo": ("edgeworkers_usage", _T),
    "ewExecutionInfo": ("edgeworkers_execution", _T),
    "cmcd": ("cmcd", _T),
    "customField": ("custom_field", _T),
}

DERIVED = ("duration_ms", "response_time_ms", "is_cache_hit")
"""Names of what is worked out from several values."""

ALWAYS = frozenset(
    {
        "ip", "ts", "host", "method", "endpoint", "query", "protocol", "status", "bytes", "referer",
        "user_agent", "country", "region", "city", "asn", *DERIVED,
    }
)  # fmt: skip
"""Names that are there, null, even if the line does not have them; others are left out then."""
