"""Audit log over HTTP: who has asked for what, and when."""

from typing import Annotated

from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.audit import AuditEntry, read_audit
from dataflow.web.answer import Answer
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Routes

routes = Routes("Operation")


class AuditRequest(NoParameters):
    """How many entries."""

    limit: Annotated[int, about("How many at most, from the newest"), Meta(ge=1, le=10_000)] = 100


class AuditList(Answer):
    """The newest entries, the newest first."""

    audit: list[AuditEntry]

    def sheet(self) -> Sheet:
        """Return a row for each entry."""
        return Sheet("audit", rows_of(self.audit))


@routes(
    "get", "/audit", AccessRole.ADMIN, sheet=AuditList.sheet, errors={400: "The limit is not as expected"}
)
async def show_audit(request: AuditRequest) -> AuditList:
    """Who has replayed dead letters, simulated events, rebuilt tables and resumed streams, and when."""
    return AuditList(await read_audit(app.context.connection, request.limit))
