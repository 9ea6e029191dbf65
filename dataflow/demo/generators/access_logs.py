"""Access logs: generated lines of a web server in the combined format."""

import random
from collections.abc import Iterable, Sequence
from itertools import repeat
from urllib.parse import unquote

from dataflow.demo.generators.sessions import Sessions, draws
from dataflow.demo.generators.times import LOGGED, seconds_of
from dataflow.demo.generators.visits import Line, address, sample_visits
from dataflow.stages.bounded_cache import BoundedCache

Step = tuple[bytes, bytes]
"""The address of the client, and what stands behind the time."""

_TIME: BoundedCache[int, bytes] = BoundedCache(lambda second: b" - - [%b" % LOGGED[second])


class AccessLogs:
    """Generates topic ``access-logs``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        visits = [[_after_time(line) for line in visit] for visit in sample_visits()]
        self._visits = draws(rng, visits)
        self._sessions = Sessions(rng, rate, self._begin)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one line for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        seconds = seconds_of(times_us, _TIME)
        return [
            b"".join((client, second, rest)) for second, (client, rest) in zip(seconds, steps, strict=False)
        ]

    def _begin(self, _now_us: int) -> Iterable[Step]:
        return zip(repeat(address(self._rng)), next(self._visits), strict=False)


def _after_time(line: Line) -> bytes:
    query = f"?{line['queryStr']}" if "queryStr" in line else ""
    request = f"{line['reqMethod']} /{line['reqPath']}{query} HTTP/1.1"
    size = line["bytes"] if line["bytes"] != "0" else "-"
    client_fields = [_quoted(line.get("referer", "-")), _quoted(unquote(line.get("UA", "-")))]
    return f'] "{request}" {line["statusCode"]} {size} {" ".join(client_fields)}'.encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
