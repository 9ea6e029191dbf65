"""Access logs: event times in, lines of a web server in the combined format out."""

import random
from collections.abc import Sequence
from urllib.parse import unquote

from dataflow.generators.sessions import Sessions, drawn
from dataflow.generators.times import LOGGED, SECOND_US
from dataflow.generators.visits import Line, address, sample_visits

Step = tuple[bytes, bytes]
"""What stands before the time, and what behind."""


class AccessLogs:
    """Generates topic ``access-logs``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        visits = [[_behind_time(line) for line in reversed(visit)] for visit in sample_visits()]
        self._visits = drawn(rng, visits)
        self._sessions = Sessions(rng, rate, self._begin)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one line for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        return [
            before + LOGGED[time_us // SECOND_US] + behind
            for time_us, (before, behind) in zip(times_us, steps, strict=True)
        ]

    def _begin(self, _now_us: int) -> list[Step]:
        before = address(self._rng) + b" - - ["
        return [(before, behind) for behind in next(self._visits)]


def _behind_time(line: Line) -> bytes:
    query = f"?{line['queryStr']}" if "queryStr" in line else ""
    request = f"{line['reqMethod']} /{line['reqPath']}{query} HTTP/1.1"
    size = line["bytes"] if line["bytes"] != "0" else "-"
    told = [_quoted(line.get("referer", "-")), _quoted(unquote(line.get("UA", "-")))]
    return f'] "{request}" {line["statusCode"]} {size} {" ".join(told)}'.encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
