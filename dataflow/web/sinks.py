"""Sinks: the lag of each over the whole cluster, and why, answered at /sinks."""

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.http_error import unavailable
from dataflow.kafka.errors import KafkaError
from dataflow.sinks.status import SinkState, sink_statuses
from dataflow.web.answer import Answer
from dataflow.web.csv_sheet import Sheet, rows_of
from dataflow.web.parameter import NoParameters
from dataflow.web.route import Routes

routes = Routes("Workers")


class SinksAnswer(Answer):
    """All sinks that have ever run, or that are configured."""

    sinks: list[SinkState]

    def sheet(self) -> Sheet:
        """Return a row for each sink."""
        return Sheet("sinks", rows_of(self.sinks))


@routes(
    "get",
    "/sinks",
    AccessRole.READ,
    description="It covers the whole cluster and takes half a second.",
    sheet=SinksAnswer.sheet,
    errors={400: "This route has no parameters", 503: "Kafka is away"},
)
async def show_sinks(_request: NoParameters) -> SinksAnswer:
    """The lag of each sink, and its last error."""
    configured = {runner.sink.name: runner.sink.topics for runner in app.context.sinks}
    try:
        sinks = await sink_statuses(app.context.connection, app.settings.app_id, configured)
    except (KafkaError, OSError) as error:
        raise unavailable("no broker answers about the sinks; expected one that serves") from error
    return SinksAnswer(sinks)
