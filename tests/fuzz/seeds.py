"""Seeds: a target's name in, inputs that get it past its first check out."""

import gzip
import sys
import zlib
from collections.abc import Mapping, Sequence

from fuzz.targets import FORMATS, LIST_OF_RULES, RULES

from dataflow.demo.samples import sample_events, sample_filter_rules
from dataflow.stages.access_log.named import format_files
from dataflow.stages.source_category import DEFAULT_UTM_SOURCES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OF_FORMATS = [
    rb'a.example:80 ::1 - "" [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 - "-" "\"a\\" "1.1.1.1, ::"',
    b"[2015-05-17T10:05:03+00:00] 192.0.2.1:4711 /a?b 200 0.123",
    b'{"t":"1431857103.606","r":"GET / HTTP/2","u":"curl/8"}',
    b"192.0.2.1 [17/May/2015 10:05:03.123 +0200] GET /a?b HTTP/1.1 456",
]
ACCESS_LOG = [
    b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 12 "-" "Mozilla/5.0 (X11)" 0.123',
    *OF_FORMATS,
    *(example.line.encode() for file in format_files().values() for example in file.examples),
    b"#Fields: date time c-ip cs-method cs-uri-stem sc-status time-taken",
]
BIG = b"1" + b"0" * 400
NUMBERS = (
    b'{"bytes":%b,"statusCode":%b,"turnAroundTimeMSec":%b,"reqEndTimeMSec":"nan","transferTimeMSec":-1e300}'
)
CDN = [*sample_events("cdn-logs")[:4], NUMBERS % (BIG, b'"\xd9\xa3"', BIG)]
BOOKINGS = [
    *sample_events("expedia")[:4],
    b'{"hotel_id":%b,"srch_ci":"2014-01-01","srch_co":"2014-01-09"}' % BIG,
]
VIEWS = sample_events("raw-web-events")[:4]
EVENTS = [b'{"device_id":"d","event_type":"REVENUE","created_on":"2026-01-31T12:00:00Z"}']
BODY = b"\n".join([*CDN[:2], b"12345 1239f220 Mozilla%2F5.0", b"12345\t1239f220\tcurl", b""])

SEEDS: Mapping[str, Sequence[bytes]] = {
    "access-log": ACCESS_LOG,
    "log-format": [
        written.encode() + b"\n" + line for written, line in zip(FORMATS, OF_FORMATS, strict=True)
    ],
    "user-agent": [
        b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile Safari/604.1"
    ],
    "rules": [
        RULES,
        LIST_OF_RULES,
        sample_filter_rules().read_bytes(),
        b'{"outputs":[{"name":"a","topic":"b","rules":[{"keep":{"field":"bytes","above":1,"at_most":2e9}}]}]}',
    ],
    "utm-sources": [DEFAULT_UTM_SOURCES.read_bytes()],
    "array": [b"[" + b",".join(CDN[:2]) + b"]", b' [ 1, "]", [{}], {"a":[]} ] '],
    "packed": [BODY, *(pack(BODY) for pack in (gzip.compress, zlib.compress, zstd.compress))],
    "body": [BODY, b"[" + b",".join(CDN[:2]) + b"]", b'{"access_validation":true}', b'{\n"a":1\n}'],
    "request": [bytes([number, 40 * number]) + BODY for number in range(3)],
    "long request": [
        b"[".ljust(16) + CDN[0] + b",",
        b'[["'.ljust(16) + b'\\"',
        b"{".rjust(16) + b"\n",
        b" " * 17,
    ],
    "repeated streams": [pack(b"") for pack in (gzip.compress, zlib.compress, zstd.compress)],
    "agent:cdn-logs": CDN,
    "agent:cdn-logs, by a list": [*CDN, b"\n".join(CDN)],
    "agent:cdn-logs-filtered": CDN,
    "agent:access-logs": [b"\n".join(ACCESS_LOG)],
    "agent:expedia": BOOKINGS,
    "agent:raw-web-events": VIEWS,
    "agent:analytics-events": EVENTS,
    "agent:dead-letters": [b"garbage"],
}
