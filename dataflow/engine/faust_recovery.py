"""Faust's recovery: how the engine has it stop the flow of messages, seek, and let it go on."""

from typing import cast

import faust
from faust.tables.manager import TableManager


def suspend_flow(app: faust.App) -> None:
    """Hand out nothing more, and drop what streams have not begun; a rebalance under way has done so."""
    if not app.rebalancing:
        app.consumer.stop_flow()
        app.flow_control.suspend()
        app.flow_control.clear()
        app.on_rebalance_start()


def request_recovery(app: faust.App) -> None:
    """Let Faust seek and resume, and so call `Engine.recover`, without a rebalance."""
    cast("TableManager", app.tables).recovery.signal_recovery_start.set()
