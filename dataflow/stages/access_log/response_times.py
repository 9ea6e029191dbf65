"""Response times: the numbers behind usual lines in, ms out, and whether they can be ms."""

from datetime import datetime

from dataflow.stages.access_log.values import NO_VALUE, number_of, seconds_to_ms

MINUTE_MS = 60_000
FEWEST = 100
MOST_LONG = 0.1
"""Above this ratio of requests that took a minute, the unit is another one: servers time out sooner."""

SHORTEST_EPOCH = len("1000000000")
_DAY_SECONDS = 86_400


def unless_epoch(text: str | None, ts: str) -> str | None:
    """Return a number, or null if it is an instant, as nginx's ``$msec``: no request takes 31 years.

    One without a point may be microseconds; it is an instant if it is that of its line, of the day of `ts`.
    """
    whole, point, _ = (text or "").partition(".")
    if len(whole) < SHORTEST_EPOCH:
        return text
    if point or abs(int(whole) - datetime.fromisoformat(ts).timestamp()) < _DAY_SECONDS:
        return None
    return text


class ResponseTimes:
    """Reads response times as documented: digits alone are ms, with a decimal point they are seconds."""

    def __init__(self) -> None:
        self.whole = 0
        """How many were digits alone."""
        self.long = 0
        """How many of these would be longer than a minute."""

    def ms_of(self, text: str) -> float | None:
        """Return a response time in ms; null for ``-``."""
        if "." in text:
            return seconds_to_ms(text)
        if text in NO_VALUE:
            return None
        ms = number_of(text) or 0
        self.whole += 1
        self.long += ms > MINUTE_MS
        return ms

    @property
    def fault(self) -> str | None:
        """Return why the whole numbers cannot be ms; null if they can."""
        if self.whole < FEWEST or self.long <= MOST_LONG * self.whole:
            return None
        return (
            f"{self.long} of {self.whole} whole numbers behind the lines would be more than a minute in "
            "milliseconds; expected DATAFLOW_ACCESS_LOG_FORMAT as in the server's configuration, which "
            "names their unit (%D: microseconds, %T: seconds, %{ms}T: milliseconds)"
        )
