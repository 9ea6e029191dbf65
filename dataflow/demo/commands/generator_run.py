"""Generator run: writes generated events at their pace, and shows the progress."""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from dataflow.demo.commands.event_writers import EventWriter, GenerationReport, Packed
from dataflow.demo.generators.pace import Tick
from dataflow.errors import Misconfigured
from dataflow.instants import EARLIEST_MS, option_ms

LATEST_MS = 221_845_392_000_000
"""9000-01-01: behind it, dates of a stay could be later than any that Python has."""
SHOW_SECONDS = 1.0
SWITCH_SECONDS = 0.0005  # by default the loop would wait ten times as long for the thread that makes events


class Progress:
    """Shows how far a run is: one line that is written over, or one line a second where nobody looks."""

    def __init__(self, report: GenerationReport, file: TextIO) -> None:
        self._report = report
        self._file = file
        self._started_at = self._shown = time.monotonic()

    def close(self) -> None:
        """Show how far the run has come."""
        self._show(time.monotonic(), "\n")

    def note(self, lag_seconds: float) -> None:
        """Note that a tick is done; show it if a second has gone by."""
        now = time.monotonic()
        self._report.seconds = round(now - self._started_at, 3)
        self._report.lag_seconds = round(max(lag_seconds, 0.0), 3)
        if now - self._shown >= SHOW_SECONDS:
            self._show(now, "\r" if self._file.isatty() else "\n")

    def _show(self, now: float, end: str) -> None:
        self._shown = now
        report, seconds = self._report, now - self._started_at
        lag = f"  {report.lag_seconds:.1f} s behind" if report.lag_seconds > SHOW_SECONDS else ""
        rate = report.events / max(seconds, 0.001)
        events = f"{report.events:>14,} events"
        self._file.write(f"{seconds:8.1f} s  {events}  {rate:>11,.0f} a second{lag:16}{end}")
        self._file.flush()


async def run(
    ticks: Iterator[tuple[Tick, list[bytes]]],
    writer: EventWriter[Packed],
    progress: Progress,
    *,
    is_live: bool,
) -> None:
    """Give every tick to the sink; a live one when its time has come.

    The next tick is made and packed in a thread meanwhile: compressing and sending let go of the interpreter.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    packed = ((tick, writer.pack(tick.times_us, lines)) for tick, lines in ticks)
    started_at = time.monotonic()
    next_tick = await asyncio.to_thread(next, packed, None)
    while next_tick is not None:
        tick, events = next_tick
        making = asyncio.create_task(asyncio.to_thread(next, packed, None))
        wait = started_at + tick.end_seconds - time.monotonic() if is_live else 0.0
        await asyncio.sleep(max(wait, 0.0))
        await writer.take(events)
        progress.note(-wait)
        next_tick = await making


def start_of(text: str | None, seconds: float | None) -> int:
    """Return the first event time in microseconds since 1970 UTC: that instant, or now.

    Raises `Misconfigured` if the run would leave the years that Kafka and every kind of event can have.
    """
    start_ms = option_ms("--start", text)
    if start_ms is None:
        return time.time_ns() // 1000
    if not EARLIEST_MS <= start_ms <= LATEST_MS - (seconds or 0) * 1000:
        raise Misconfigured(f"--start is '{text}'; expected a run between the years 1971 and 9000")
    return start_ms * 1000
