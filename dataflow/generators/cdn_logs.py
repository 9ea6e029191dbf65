"""CDN logs: event times in, log lines as DataStream 2 writes them in JSON out."""

import json
import random
from collections.abc import Sequence

from dataflow.generators.sessions import Sessions, drawn
from dataflow.generators.times import SECOND_US
from dataflow.generators.visits import Line, address, sample_visits

_BEFORE_ID = b'{"version": "1", "streamId": "12345", "cp": "123456", "reqId": "'


class CdnLogs:
    """Generates topic ``cdn-logs``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        visits = [[_around_address(line) for line in reversed(visit)] for visit in sample_visits()]
        self._visits = drawn(rng, visits)
        self._sessions = Sessions(rng, rate, self._begin)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one line for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        ids = self._rng.randbytes(4 * len(times_us)).hex().encode()
        return [
            b'%b%b", "reqTimeSec": "%d.%03d%b'
            % (_BEFORE_ID, ids[at : at + 8], time_us // SECOND_US, time_us // 1_000 % 1_000, step)
            for at, time_us, step in zip(range(0, len(ids), 8), times_us, steps, strict=True)
        ]

    def _begin(self, _now_us: int) -> list[bytes]:
        client = address(self._rng)
        return [before + client + after for before, after in next(self._visits)]


def _around_address(line: Line) -> tuple[bytes, bytes]:
    text = json.dumps(line)
    before, name, after = text[text.index('", "bytes"') :].partition('"cliIP": "')
    return (before + name).encode(), after[after.index('"') :].encode()
