"""Job app: environment variables in, a bare app of this engine for one job out."""

import os

from dataflow.engine.app import App
from dataflow.engine.options import EngineOptions
from dataflow.kafka.connection import connection

told = os.environ


def job_app() -> App:
    """Return an app without topics, agents and tables."""
    session_seconds = int(told.get("SESSION_MS", "10000")) / 1000
    sessions = {"broker_session_timeout": session_seconds, "broker_heartbeat_interval": session_seconds / 4}
    return App(
        told["GROUP"],
        engine=EngineOptions(
            connection=connection(told["BROKER"].split(",")),
            compression=told.get("COMPRESSION"),
            dead_letter_topic=f"{told['GROUP']}-dead-letters",
        ),
        datadir=told["FOLDER"],
        web_port=int(told["WEB_PORT"]),
        web_bind="127.0.0.1",
        **sessions,
    )
