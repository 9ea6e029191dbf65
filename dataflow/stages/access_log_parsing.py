"""Access log parsing: the stage of access logs in, what a batch agent needs of it out."""

from dataflow.engine.decoding import fault_of
from dataflow.engine.stage import ParseStage
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.stage import AccessLogStage
from dataflow.stages.request import REQUEST_COLUMNS, Request, request_of_entry


def access_log_parsing(stage: AccessLogStage) -> ParseStage[Request]:
    """Return the parse of lines: the request that tables count, and the JSON that goes on."""

    def read(raw: bytes | None) -> tuple[Request, bytes]:
        if raw is None:
            raise InvalidEvent(Reason.EMPTY, "value is null; expected an access log line")
        entry = stage.read(raw)
        return request_of_entry(entry), entry.json

    return ParseStage("access-log", read, fault_of, REQUEST_COLUMNS)
