"""The web server of a worker: Faust's, without Faust's pages, for many senders with bodies of any size."""

import os
import socket
from errno import EACCES, EADDRINUSE
from typing import Any

from aiohttp.web import AppRunner
from faust.types import AppT
from faust.web.drivers.aiohttp import Web

from dataflow.errors import Misconfigured
from dataflow.web_connections import CONNECTIONS, OpenConnections, raise_file_limit
from dataflow.web_site import BoundedSite

BACKLOG = 4_096
"""Senders that may come at the same moment."""

KEEP_ALIVE_SECONDS = 75.0
"""Longer than load balancers keep an idle connection (60 s): they must not write to a closed one."""


class WebServer(Web):
    """Unpacks no body by itself, which would be without a bound; serves only routes that are added to it."""

    plain_port: int | None = None
    """Where it also speaks HTTP, while its own port speaks HTTPS."""

    is_listening = False

    is_starting = False
    """Whether the services that views need are still to start: only pages and probes are answered."""

    def __init__(self, app: AppT) -> None:
        super().__init__(app)
        self.connections = self.web_app[CONNECTIONS] = OpenConnections(raise_file_limit())
        self._runner = AppRunner(
            self.web_app, access_log=None, auto_decompress=False, keepalive_timeout=KEEP_ALIVE_SECONDS
        )

    def _enabled_blueprints(self) -> list[tuple[str, Any]]:
        return []

    async def start_early(self) -> None:
        """Listen before the other services start: a worker that waits for its broker says so.

        Raises `Misconfigured` if nobody can listen.
        """
        self.is_starting = True
        await super().maybe_start()

    async def maybe_start(self) -> bool:
        """Serve everything: Faust calls this once the services before it have started."""
        self.is_starting = False
        return bool(await super().maybe_start())

    async def start_server(self) -> None:
        """Listen; raise `Misconfigured` if nobody can."""
        await super().start_server()
        if self.plain_port is not None:
            listening = listen("DATAFLOW_WEB_PLAIN_PORT", self.app.conf.web_bind, self.plain_port)
            await BoundedSite(self._runner, listening, self.connections).start()
        self.is_listening = True

    def _new_transport_tcp(self) -> BoundedSite:
        # Faust's has room for 128 connections that wait to be accepted; DataStream has 2,500 senders.
        conf = self.app.conf
        listening = listen("DATAFLOW_WEB_PORT", conf.web_bind, conf.web_port)
        return BoundedSite(self._runner, listening, self.connections, conf.web_ssl_context)


def listen(variable: str, host: str, port: int) -> socket.socket:
    """Return a socket; raise `Misconfigured`, naming the setting, if nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise Misconfigured(_fault(error, variable, host, port)) from error


def _fault(error: OSError, variable: str, host: str, port: int) -> str:
    if error.errno in (EACCES, EADDRINUSE):
        return f"{variable} is {port} ({os.strerror(error.errno)}); expected a port that is free on {host}"
    return f"DATAFLOW_WEB_HOST is '{host}' ({error}); expected an address of this machine"
