"""A standalone app: the engine without the streams, settings and routes that Dataflow brings."""

import os
from dataclasses import replace
from pathlib import Path

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.app import App
from dataflow.engine.options import EngineOptions
from dataflow.kafka.connection import connection
from dataflow.topics import ensure_topics

CONNECTION = connection(os.environ.get("DATAFLOW_BROKER", "localhost:9092").split(","))


class StandaloneApp(App):
    """An app that creates its topics when it starts, and keeps its files in `./<name>-data`.

    `DATAFLOW_BROKER` (default `localhost:9092`), `DATAFLOW_WEB_PORT` (6066) and `DATAFLOW_DATA_DIR` change
    where it runs.
    """

    def __init__(self, name: str, *topics: DeclaredTopic) -> None:
        self._declared = (*topics, replace(DEAD_LETTERS, partitions=1))
        super().__init__(
            name,
            engine=EngineOptions(CONNECTION),
            datadir=Path(os.environ.get("DATAFLOW_DATA_DIR", f"{name}-data")),
            web_bind="127.0.0.1",
            web_host="127.0.0.1",
            web_port=int(os.environ.get("DATAFLOW_WEB_PORT", "6066")),
        )

    async def on_first_start(self) -> None:
        """Create the topics that are missing."""
        await ensure_topics(CONNECTION, self._declared)
        await super().on_first_start()
