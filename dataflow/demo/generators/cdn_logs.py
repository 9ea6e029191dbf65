"""CDN logs: generated log lines as DataStream 2 writes them in JSON."""

import json
import random
from collections.abc import Sequence

from dataflow.demo.generators.sessions import Line, visit_sessions
from dataflow.demo.generators.times import milliseconds_of, seconds_of
from dataflow.stages.bounded_cache import BoundedCache

_BEFORE_ID = b'{"version": "1", "streamId": "12345", "cp": "123456", "reqId": "'
_ID_TO_SECOND: BoundedCache[int, bytes] = BoundedCache(lambda second: b'", "reqTimeSec": "%d.' % second)


class CdnLogs:
    """Generates topic ``cdn-logs``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        self._sessions = visit_sessions(rng, rate, _around_address)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one line for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        digits = self._rng.randbytes(4 * len(times_us)).hex().encode()
        ids = [digits[at : at + 8] for at in range(0, len(digits), 8)]
        seconds, ms_texts = seconds_of(times_us, _ID_TO_SECOND), milliseconds_of(times_us)
        return [
            b"".join((_BEFORE_ID, request, second, ms, before, client, after))
            for request, second, ms, (client, (before, after)) in zip(
                ids, seconds, ms_texts, steps, strict=False
            )
        ]


def _around_address(line: Line) -> tuple[bytes, bytes]:
    """Return what stands before the address of the client, and what behind."""
    text = json.dumps(line)
    before, name, after = text[text.index('", "bytes"') :].partition('"cliIP": "')
    return (before + name).encode(), after[after.index('"') :].encode()
