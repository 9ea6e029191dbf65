"""Wires: servers in; addresses of our own out, on which they can be cut off, slow, deaf or dumb."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from sinks.network import Network

from dataflow.demo.broker.ports import free_port

CALL_SECONDS = 30


class Wire:
    """The way to one server."""

    def __init__(self, wires: "Wires", upstream: int, port: int) -> None:
        self._wires = wires
        self._network = Network(upstream)
        self.port = self._network.port = port
        self._is_open = False
        self.mend()

    def mend(self) -> None:
        """Let everything through again; connections that have lost something are reset."""
        self._network.delay_seconds = 0.0
        self._network.swallows = self._network.swallows_answers = False
        self.cut()
        self._wires.call(self._network.start())
        self._is_open = True

    def cut(self) -> None:
        """Reset what is open, refuse what comes."""
        if self._is_open:
            self._is_open = False
            self._wires.call(self._network.cut())

    def slow(self, seconds: float) -> None:
        """Let each packet take so much longer."""
        self._network.delay_seconds = seconds

    def swallow(self, *, only_answers: bool = False) -> None:
        """Keep connections open, and lose what is sent, or only what is answered."""
        self._network.swallows_answers = True
        self._network.swallows = not only_answers

    def hurry(self) -> None:
        """Be as quick as before; nothing was lost."""
        self._network.delay_seconds = 0.0


class Wires:
    """All wires, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.all: list[Wire] = []

    def add(self, upstream: int, *but: int) -> Wire:
        """Return a way to the server at this port, at a port that is none of the others."""
        # Ephemeral ports are no good: a client that knocks while it is cut could be given this very port.
        self.all.append(Wire(self, upstream, free_port(*but)))
        return self.all[-1]

    def call(self, work: Coroutine[Any, Any, object]) -> None:
        """Have something done in the thread of the wires."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    def close(self) -> None:
        """Cut all, and end the thread."""
        for wire in self.all:
            wire.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
