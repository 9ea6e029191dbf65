"""Request filter: rules in, the filter of CDN lines with what tables count of a line out."""

import msgspec

from dataflow.engine.decoding import compile_decoder, fault_of
from dataflow.engine.stage import FilterStage
from dataflow.stages.filter_rules import FilterRules
from dataflow.stages.request import REQUEST_COLUMNS, Request, request_of
from models.cdn_log import CdnLog

READS = (
    *("reqTimeSec", "reqPath", "statusCode", "bytes", "cliIP", "country"),
    *("turnAroundTimeMSec", "reqEndTimeMSec", "transferTimeMSec"),
)

_decode = compile_decoder(CdnLog, reads=READS).decode
_NO_VALUES = CdnLog()


def request_filter(rules: FilterRules, header: tuple[str, bytes] | None = None) -> FilterStage[Request]:
    """Return the filter with these rules; `header` is the header of what they let pass."""
    return FilterStage("filter", rules.judge, read_request, fault_of, REQUEST_COLUMNS, header)


def read_request(raw: bytes) -> Request:
    """Return what tables count of a line that is a JSON object.

    A value of a kind that no DataStream writes (an object, an array) counts as none: the
    rules have let the line pass, and the filter does not judge what no rule looks at.
    """
    try:
        return request_of(_decode(raw))
    except msgspec.ValidationError:
        return request_of(_NO_VALUES)
