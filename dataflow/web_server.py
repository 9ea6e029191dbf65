"""The web server of a worker: Faust's, without Faust's pages, for many senders with bodies of any size."""

from typing import Any

from aiohttp.web import AppRunner, SockSite
from faust.types import AppT
from faust.web.drivers.aiohttp import Web

from dataflow.listening import BACKLOG, listen

KEEP_ALIVE_SECONDS = 75.0
"""Longer than load balancers keep an idle connection (60 s): they must not write to a closed one."""


class WebServer(Web):
    """Unpacks no body by itself, which would be without a bound; serves only routes that are added to it."""

    def __init__(self, app: AppT) -> None:
        super().__init__(app)
        self._runner = AppRunner(
            self.web_app, access_log=None, auto_decompress=False, keepalive_timeout=KEEP_ALIVE_SECONDS
        )

    def _enabled_blueprints(self) -> list[tuple[str, Any]]:
        return []

    def _new_transport_tcp(self) -> SockSite:
        # Faust's has room for 128 connections that wait to be accepted; DataStream has 2,500 senders.
        conf = self.app.conf
        listening = listen("DATAFLOW_WEB_PORT", conf.web_bind, conf.web_port)
        return SockSite(self._runner, listening, backlog=BACKLOG)
