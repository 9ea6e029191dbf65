"""Stop signals: SIGTERM and a closed terminal end a command in order, as Ctrl-C does."""

import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

_received: list[int] = []


def end_in_order() -> None:
    """Let SIGTERM and SIGHUP end this command as Ctrl-C does.

    By default they end Python at once: a terminal would keep its hidden cursor, and a disk files that are
    only for the time of the command. One that is ignored, as SIGHUP by nohup, stays ignored.
    """
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def end_at_once() -> None:
    """Let a stop signal end this process by itself again: nothing is left to be ended in order."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, signal.SIG_DFL)


def exit_code() -> int:
    """Return the exit code of a command that has been stopped: 128 and the number of the signal."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    # Make sends it once more, and systemd both to what a session leaves behind: the end is under way.
    for each in STOP_SIGNALS:
        if signal.getsignal(each) is _stop:
            signal.signal(each, signal.SIG_IGN)
    _received.append(number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a script starts in the background
        signal.default_int_handler(signal.SIGINT, frame)
    signal.raise_signal(signal.SIGINT)
