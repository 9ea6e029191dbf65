"""Faust's settings of an app with an engine: its worker, topics, tables and assignor."""

import logging
from collections.abc import Mapping
from typing import Any

import faust

from dataflow.engine.address import in_url
from dataflow.engine.assignor import Assignor
from dataflow.engine.ordinary_topics import OrdinaryTable
from dataflow.engine.topic import OrdinaryTopic

LONGEST_RECOVERY_SECONDS = 86_400  # Faust's own limit would end the recovery without a word


class EngineWorker(faust.Worker):
    """Faust's worker process, without the spinner of its start: keeps the log level that was asked for.

    At level warning and above Faust's spinner sets the root logger to DEBUG: every debug
    record of aiokafka is then made and thrown away, a tenth of a worker's CPU.
    """

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:  # noqa: ARG002 - Faust's
        """Leave the logger as it was configured."""
        self.spinner = None


FAUST_SETTINGS: Mapping[str, Any] = {
    "consumer_auto_offset_reset": "earliest",
    "table_standby_replicas": 0,  # none is needed, and the assignor gives none
    "topic_disable_leader": True,
    "PartitionAssignor": Assignor,
    "Table": OrdinaryTable,
    "Topic": OrdinaryTopic,
    "Worker": EngineWorker,
    "broker_request_timeout": LONGEST_RECOVERY_SECONDS,
}


class AppSettings(faust.Settings):
    """Faust's settings, which take an IPv6 address where `faust worker --web-host` sets one, and HTTPS."""

    has_own_partitions = False
    """Whether somebody has set `topic_partitions`, be it to Faust's default."""

    def on_init(self, id: str, **kwargs: Any) -> None:  # noqa: A002 - Faust's
        """Note what is set, before Faust fills in the rest."""
        super().on_init(id, **kwargs)
        variable = self.SETTINGS["topic_partitions"].env_name
        is_in_environment = bool(variable) and self.getenv(str(variable)) is not None
        self.has_own_partitions = kwargs.get("topic_partitions") is not None or is_in_environment

    def __setattr__(self, name: str, value: object) -> None:
        if name == "web_host":
            value = in_url(str(value))
        elif name == "canonical_url" and self.web_ssl_context is not None:
            value = str(value).replace("http://", "https://")
        elif name == "topic_partitions":
            self.has_own_partitions = True
        super().__setattr__(name, value)
