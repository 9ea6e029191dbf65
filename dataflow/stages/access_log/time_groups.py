"""Time groups: the directives of a format in, what reads the time of its lines out."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from zoneinfo import ZoneInfo

from dataflow.errors import Misconfigured
from dataflow.stages.access_log.directives import Directive
from dataflow.stages.access_log.times import formatted_time, with_fraction
from dataflow.stages.bounded_cache import BoundedCache


class TimeGroups:
    """Knows which texts of a line hold its time, and reads it."""

    def __init__(self, directives: Sequence[Directive], zone: str | None) -> None:
        """Choose them; raise `Misconfigured` if there is no time, or none with a zone."""
        groups, read = _time(directives, zone)
        self._groups, self._first, self._is_whole = groups, groups[0], len(groups) == 1
        self._times: BoundedCache[str, str] = BoundedCache(read)
        is_fine = directives[groups[0]].is_fine
        fractions = [group for group, each in enumerate(directives) if each.is_fraction and not is_fine]
        self._fraction = fractions[0] if fractions else None

    def read(self, texts: Sequence[str]) -> str:
        """Return the time in UTC; raise `InvalidEvent` if it is none."""
        ts = self._times[texts[self._first] if self._is_whole else " ".join([texts[n] for n in self._groups])]
        return ts if self._fraction is None else with_fraction(ts, texts[self._fraction])


def _time(directives: Sequence[Directive], zone: str | None) -> tuple[list[int], Callable[[str], str]]:
    """Return the groups that hold the time, and what reads them joined by spaces."""
    whole = [(group, each.time, each.is_fine) for group, each in enumerate(directives) if each.time]
    for group, read, _ in sorted(whole, key=lambda each: not each[2]):
        return [group], read
    written = [(group, each.strptime) for group, each in enumerate(directives) if each.strptime is not None]
    formats = " ".join(strptime for _, strptime in written)
    if not formats:
        raise Misconfigured("log format has no time; expected %t, $time_local, $time_iso8601 or $msec")
    _refuse_half_a_time(formats)
    if "%z" not in formats and zone is None:
        raise Misconfigured(
            f"log format has a time as {formats!r}; expected its zone with it, as %z, "
            "or DATAFLOW_ACCESS_LOG_ZONE"
        )
    zone_info = None if zone is None or "%z" in formats else ZoneInfo(zone)
    return [group for group, _ in written], partial(formatted_time, formats, zone_info)


def _refuse_half_a_time(formats: str) -> None:
    """Refuse a time without its day or its hour, and one with a part twice: Python would make up the rest."""
    parts = Counter(re.findall("%([A-Za-z])", formats))
    has_day = bool(parts["j"] or (parts["d"] and (parts["m"] or parts["b"] or parts["B"])))
    has_hour = bool(parts["H"] or (parts["I"] and parts["p"]))
    if not (has_hour and has_day and (parts["Y"] or parts["y"])):
        raise Misconfigured(f"log format has a time as {formats!r}; expected year, month, day and hour")
    if twice := [f"%{part}" for part, count in parts.items() if count > 1]:
        raise Misconfigured(f"log format has a time as {formats!r}; expected {twice[0]} once")
