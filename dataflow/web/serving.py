"""Serving senders: the role of this worker in; routes and services for what comes in over HTTP out."""

from aiohttp.web import Application, AppRunner, SockSite, UrlDispatcher
from faust.app.base import BootStrategy
from faust.types import ServiceT
from faust.web.drivers.aiohttp import Web

from dataflow.app import app
from dataflow.listening import BACKLOG, listen
from dataflow.settings import Role, settings
from dataflow.web import events, ingest, simulation
from dataflow.web.edge import json_edge
from dataflow.web.https import KEEP_ALIVE_SECONDS, HttpsListener
from dataflow.web.receiver import receiver


class ReceiveOnly(BootStrategy):
    """A worker without consumer, group and agents."""

    enable_kafka = False

    def agents(self) -> list[ServiceT]:
        """Start none."""
        return []


def add_routes(router: UrlDispatcher) -> None:
    """Serve all that senders need."""
    ingest.add_routes(router)
    events.add_routes(router)
    simulation.add_routes(router)


def serve_senders(web: Web) -> None:
    """Have the worker serve them, beside its other pages; raise `Misconfigured` before it starts."""
    receiver.check()
    add_routes(web.web_app.router)
    # Faust's own runner would unpack bodies itself, without a bound.
    runner = AppRunner(
        web.web_app, access_log=None, auto_decompress=False, keepalive_timeout=KEEP_ALIVE_SECONDS
    )
    web._runner = runner  # noqa: SLF001  # Faust has no setting for it
    # Nor for how many may wait to be accepted: it takes 128, and DataStream has 2,500 senders.
    web._transport_handlers = {"tcp": lambda: _site(runner)}  # noqa: SLF001
    # Children that are added before the start begin before all others, and end after them.
    app.add_dependency(receiver)
    app.add_dependency(simulation.simulator)
    if receiver.settings.ingest_tls_cert_file is not None:
        application = Application(middlewares=[json_edge])
        add_routes(application.router)
        app.add_dependency(HttpsListener(application, receiver.settings))


def _site(runner: AppRunner) -> SockSite:
    chosen = settings()
    listening = listen("DATAFLOW_WEB_PORT", chosen.web_host, chosen.web_port)
    return SockSite(runner, listening, backlog=BACKLOG)


def receive_only() -> None:
    """Make this a worker that only receives."""
    app.boot_strategy = ReceiveOnly(app)
    app.producer_only = True  # else Faust waits for the tables of a consumer


assert isinstance(app.web, Web)
if settings().role in (Role.ALL, Role.INGEST):
    serve_senders(app.web)
if settings().role is Role.INGEST:
    receive_only()
