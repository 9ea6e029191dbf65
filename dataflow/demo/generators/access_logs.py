"""Access logs: generated lines of a web server in the combined format."""

import random
from collections.abc import Sequence
from urllib.parse import unquote

from dataflow.demo.generators.sessions import Line, visit_sessions
from dataflow.demo.generators.times import LOGGED, seconds_of
from dataflow.stages.bounded_cache import BoundedCache

_TIME: BoundedCache[int, bytes] = BoundedCache(lambda second: b" - - [%b" % LOGGED[second])


class AccessLogs:
    """Generates topic ``access-logs``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._sessions = visit_sessions(rng, rate, _after_time)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one line for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        seconds = seconds_of(times_us, _TIME)
        rows = zip(seconds, steps, strict=False)
        return [b"".join((client, second, rest)) for second, (client, rest) in rows]


def _after_time(line: Line) -> bytes:
    query = f"?{line['queryStr']}" if "queryStr" in line else ""
    request = f"{line['reqMethod']} /{line['reqPath']}{query} HTTP/1.1"
    size = line["bytes"] if line["bytes"] != "0" else "-"
    client_fields = [_quoted(line.get("referer", "-")), _quoted(unquote(line.get("UA", "-")))]
    return f'] "{request}" {line["statusCode"]} {size} {" ".join(client_fields)}'.encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
