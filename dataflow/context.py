"""The context of a worker: what its agents and routes work with, beside the app."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dataflow.access.authenticator import Authenticator
from dataflow.access.configured import create_authenticator
from dataflow.access.sessions import LoginSessions
from dataflow.engine.topic_inspector import TopicInspector
from dataflow.rules.live import (
    FilterRulesFollower,
    UtmSourcesFollower,
    follow_filter_rules,
    follow_utm_sources,
)
from dataflow.settings import Settings
from dataflow.sinks.configured import RunnerOptions, configured_sinks, runner_options
from dataflow.sinks.runner import SinkRunner
from dataflow.sources.receiver import Receiver
from dataflow.sources.simulator import Simulator

if TYPE_CHECKING:  # imported where they are made: not every worker parses access logs, or has PostgreSQL
    from dataflow.access_logs import AccessLogParser
    from dataflow.analytics.stored import StoredRequests


class Context:
    """Each part is made when it is first needed: a role has only its own; `assemble` starts them."""

    def __init__(
        self,
        settings: Settings,
        connection: Mapping[str, object],
        worker_secret: str,
        inspector: TopicInspector,
    ) -> None:
        self.settings = settings
        self.connection = connection
        self._worker_secret = worker_secret
        self._inspector = inspector

    @cached_property
    def authenticator(self) -> Authenticator:
        """Who knows the clients; raises `Misconfigured` where nobody says who they are."""
        return create_authenticator(self.settings, self._worker_secret)

    @cached_property
    def sessions(self) -> LoginSessions:
        """Who has logged in with a browser, at any worker with the same secret."""
        return LoginSessions(self._worker_secret)

    @cached_property
    def filter_rules(self) -> FilterRulesFollower:
        """The filter rules in use; without a version in roles that do not filter."""
        return follow_filter_rules(self.settings, self.connection, self._inspector)

    @cached_property
    def utm_sources(self) -> UtmSourcesFollower:
        """The UTM sources in use; without a version in roles that do not enrich."""
        return follow_utm_sources(self.settings, self.connection, self._inspector)

    @cached_property
    def access_logs(self) -> "AccessLogParser":
        """The parse stage of access logs."""
        from dataflow.access_logs import AccessLogParser

        return AccessLogParser(self.settings)

    @cached_property
    def receiver(self) -> Receiver:
        """The limits of every role; its producer runs only where senders are served."""
        return Receiver(self.settings, self.connection)

    @cached_property
    def simulator(self) -> Simulator:
        """The simulation of analytics events."""
        return Simulator(self.connection, self.receiver.producer)

    @cached_property
    def sink_options(self) -> RunnerOptions:
        """How all sinks are fed."""
        return runner_options(self.settings, self.connection)

    @cached_property
    def sinks(self) -> Sequence[SinkRunner]:
        """The sinks that this worker runs; raises `Misconfigured` for a role whose sink is not configured."""
        return [SinkRunner(sink, self.sink_options) for sink in configured_sinks(self.settings)]

    @cached_property
    def stored_requests(self) -> "StoredRequests | None":
        """What the PostgreSQL sink has stored; None where none is configured."""
        if self.settings.postgres_url is None:
            return None
        from dataflow.analytics.stored import StoredRequests

        url = self.settings.postgres_url.get_secret_value()
        return StoredRequests(url, self.settings.analytics_deadline_ms)
