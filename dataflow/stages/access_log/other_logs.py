"""Other logs: lines that programs write beside their access logs; why they tell of no request."""

import re

from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.lines import NO_REQUEST

_CLIENT = r"[^ \[\]\"]{1,255}:[0-9]{1,5}"
_HAPROXY_TIME = r"\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}\.[0-9]{1,9}\]"
_ISO_TIME = r"[0-9T:-]{19}(?:\.[0-9]{1,9})?Z"
_DATE = r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[ T][0-9:]{8}"

_SEVERAL = (
    "several records in one event; expected one each, as `dataflow ingest` and HTTP ingest make of them"
)

_KINDS = (
    (rf"{_CLIENT} {_HAPROXY_TIME} [^ ]++ [^ ]++ [0-9/+-]++ \+?[0-9]++ [^ ]{{2}} [0-9/+]++ [0-9/]++",
     "a TCP connection in the log of HAProxy; expected requests, as its option httplog writes them"),
    (rf"{_CLIENT} {_HAPROXY_TIME} [^\"]{{1,2000}}\"[^\"]*+\Z",
     "cut off by HAProxy; expected a whole request, as with `len 65535` in its `log`"),
    (rf"{_CLIENT} {_HAPROXY_TIME} [^ \"]{{1,300}}: ", "an error of HAProxy; expected a request"),
    (r"Connect from [^ ]++ to [^ ]++ \(",
     "a connection in the log of HAProxy; expected requests, as its option httplog writes them"),
    (r"(?:sock=[a-z]{1,9} )?at=[a-z]{1,9} (?:code=|method=)",
     "of Heroku's router without its frame; expected the time of the frame before it"),
    (r"tls [0-9.]{1,5} [0-9T:-]{19} net/",
     "a TLS connection of an AWS network load balancer; expected requests"),
    (r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[[a-z]{3,6}\] [0-9]++#[0-9]++: ",
     "of nginx's error log; expected its access log"),
    (r"\[(?:[A-Z][a-z]{2} ){2}[ 0-9]{2} [0-9:.]{8,15} [0-9]{4}\] \[(?:[a-z0-9_-]*+:)?+[a-z0-9]++\] ",
     "of Apache's error log; expected its access log"),
    (r'\{"level":"[a-z]{4,6}",.{0,64}"logger":"http\.(?:log\.error|handlers\.)',
     "an error or a detail in the log of Caddy; expected what its logger http.log.access writes"),
    (r'[ \t]{0,9}(?:\{[ \t]{0,9}"(?:records|streams|resourceLogs)"[ \t]{0,9}:[ \t]{0,9})?\[[ \t]{0,9}\{',
     _SEVERAL),
    (r'\{[ \t]{0,9}"(?:messageType|owner)"[ \t]{0,9}:.{0,2000}"logEvents"[ \t]{0,9}:', _SEVERAL),
    (r'\{[ \t]{0,9}"requestId"[ \t]{0,9}:.{0,200}"records"[ \t]{0,9}:[ \t]{0,9}\[',
     "a request of Amazon Data Firehose; expected the objects that it writes to S3"),
    (r"[0-9T:./+Z -]{19,40}\t[A-Z]{4,5}\thttp\.(?:log|handlers)\.",
     "of Caddy's console format; expected its JSON, as `format json` in its `log` writes it"),
    (rf"(?:INFO|WARNING|ERROR): {{1,8}}{_CLIENT} - \"[A-Z]",
     "of uvicorn, which writes no time; expected one, as its log_config can add"),
    (r"(?:[^\"\[{]{0,80} )?(?:CEF:[01]|LEEF:[12]\.0)\|", "an event in CEF or LEEF; expected an access log"),
    (rf"{_DATE} (?:[^ ]++ ){{1,4}}[A-Z]{{3,10}} /",
     "of unknown columns; expected the `#Fields:` line of its log before it, or as the format"),
)  # fmt: skip
_category_in = re.compile(r'"category"[ \t]{0,9}:[ \t]{0,9}"([0-9A-Za-z _-]{1,80})"').search
_BESIDE_REQUESTS = frozenset(
    (
        "ApplicationGatewayFirewallLog", "ApplicationGatewayPerformanceLog",
        "FrontDoorWebApplicationFirewallLog", "FrontdoorWebApplicationFirewallLog", "FrontDoorHealthProbeLog",
        "AppServiceAntivirusScanAuditLogs", "AppServiceAppLogs", "AppServiceAuditLogs",
        "AppServiceAuthenticationLogs", "AppServiceFileAuditLogs",
        "AppServiceIPSecAuditLogs", "AppServicePlatformLogs",
    )
)  # fmt: skip
"""Categories of Azure that come in one array with its access logs."""
_ENDS_OF_ACCESS_LOGS = ("AccessLog", "HTTPLogs")  # of these a value is at fault
_is_connection = re.compile(
    rf'\[{_ISO_TIME}\] "- - -" 0 |'
    rf'{_ISO_TIME} [^ ]{{1,80}} {_CLIENT} [^"]{{1,200}} - - [0-9]{{1,20}} [0-9]{{1,20}} "- - - "|'
    r'\{(?=.{0,4096}"downstream_remote_address":)(?=.{0,4096}"protocol":null)'
).match
_kinds = [(re.compile(pattern).match, what) for pattern, what in _KINDS]


def fault_of_other_log(line: str) -> InvalidEvent | None:
    """Return what a line is that no format takes; null if it is of no kind that is known.

    Raises `DroppedEvent` for what is logged beside requests: a TCP connection of Envoy, Istio or ELB, and
    metrics and other categories of Azure.
    """
    if _is_connection(line):
        raise DroppedEvent(NO_REQUEST)
    if '"resourceId"' in line and (fault := _fault_of_azure(line)):
        return fault
    for match, what in _kinds:
        if match(line):
            return InvalidEvent(Reason.UNPARSABLE, f"line is {what}")
    return None


def _fault_of_azure(line: str) -> InvalidEvent | None:
    match = _category_in(line)
    category = match[1] if match else ""
    if category in _BESIDE_REQUESTS or (not category and '"metricName"' in line):
        raise DroppedEvent(NO_REQUEST)
    if not category or category.endswith(_ENDS_OF_ACCESS_LOGS):
        return None
    what = f"record is of Azure's category {category}; expected one of an access log"
    return InvalidEvent(Reason.UNPARSABLE, what)
