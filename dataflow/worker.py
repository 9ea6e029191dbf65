"""The worker that `faust -A dataflow.app worker` starts: the app, assembled by the settings."""

import asyncio
from signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, Signals, getsignal
from typing import Any

from faust.types import ServiceT

from dataflow.app import Dataflow
from dataflow.engine.faust_settings import EngineWorker
from dataflow.errors import DataflowError
from dataflow.logs import get_log
from dataflow.private_files import keep_files_private
from dataflow.stateful_set import can_ask, is_scaled_in

log = get_log(__name__)


class Worker(EngineWorker):
    """Assembles the app before it starts; no other command of Faust makes one.

    At SIGTERM it drains first, unless another signal comes: load balancers need some seconds to learn that
    it is not ready, and clients of kept connections to be told so by their next answer.
    """

    app: Dataflow

    def __init__(self, app: Dataflow, *services: ServiceT, **options: Any) -> None:  # noqa: ANN401  # Faust's
        from dataflow.assembly import assemble  # commands that only list need none of its imports

        keep_files_private()
        if not app.is_connected:  # `dataflow worker` has assembled it, to say at once what is misconfigured
            assemble(app, app.settings)
        super().__init__(app, *services, **options)
        self._is_hurried = asyncio.Event()

    def _install_signal_handlers_unix(self) -> None:
        super()._install_signal_handlers_unix()
        if getsignal(SIGHUP) is not SIG_IGN:  # by nohup
            self.loop.add_signal_handler(SIGHUP, self._schedule_shutdown, SIGHUP)

    def _on_sigusr2(self) -> None:
        self._on_sigusr1()  # Faust starts a debugger, and nothing else goes on

    def _on_sigint(self) -> None:
        self._flag_as_shutdown_by_signal()  # Faust's own also writes a line that is no log line
        self._schedule_shutdown(SIGINT)

    def _schedule_shutdown(self, signal: Signals) -> None:
        if self._signal_stop_time or signal is not SIGTERM:
            self._is_hurried.set()
        super()._schedule_shutdown(signal)

    async def _stop_on_signal(self, signal: Signals) -> None:
        web = self.app.web
        if web.is_listening and not (web.is_starting or self._is_hurried.is_set()):
            await self._drain(self.app.settings.drain_seconds)
        await super()._stop_on_signal(signal)

    async def _drain(self, seconds: float) -> None:
        """Serve and work for some seconds more, not ready; each answer ends its connection."""
        log.info("Worker drains; it is not ready any more.", drain_seconds=seconds)
        self.app.web.connections.is_draining = True
        leaving = asyncio.create_task(self._leave_if_scaled_in())
        await self.app.wait_for_stopped(self._is_hurried.wait(), timeout=seconds)
        await self.app.wait_first(leaving, self._is_hurried.wait())

    async def _leave_if_scaled_in(self) -> None:
        """Have the group not wait for a pod that does not come back: a restart ends one in the same way."""
        name = self.app.settings.instance_id
        if name is None or not self.app.takes_partitions or not can_ask():
            return
        try:
            if await asyncio.to_thread(is_scaled_in, name):
                log.info("This pod does not come back; the worker leaves its group.", instance_id=name)
                self.app.batch_consumer.thread.leaves_for_good = True
        except DataflowError as error:
            log.warning("Nobody says whether this pod comes back; it stays in its group.", reason=error)
