"""Bookings: generated hotel searches of guests who compare a few hotels."""

import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice, repeat

from dataflow.demo.generators.sessions import Sessions, draws
from dataflow.demo.generators.times import SPACED, seconds_of
from dataflow.demo.samples import sample_events
from dataflow.stages.bounded_cache import BoundedCache

GUESTS = 1_200_000
MEAN_LEAD_DAYS = 30
LEADS = 5_000
MOST_SEARCHES = 8
SKEW = 0.7

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_US = 86_400_000_000

Trip = tuple[bytes, int | None, bytes, bytes, bytes]
"""Fields up to the guest; nights, None for dates that are no stay; fields up to the dates; dates; rest."""

Step = tuple[bytes, bytes]
"""What was searched for, and the hotel that was looked at."""

_ID_TO_SECOND: BoundedCache[int, bytes] = BoundedCache(lambda second: b', "date_time": "%b' % SPACED[second])
_PARTS = re.compile(
    rb'.*?("site_name".*"user_id": )\d+(.*)("srch_ci".*)("srch_adults_cnt".*"hotel_id": )\d+\}', re.DOTALL
)


class Bookings:
    """Generates topic ``expedia``; lengths of stay and impossible dates are as frequent as in the samples."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._random = rng.random
        bookings = [json.loads(raw) for raw in sample_events("expedia")]
        hotels = sorted({b"%d}" % booking["hotel_id"] for booking in bookings})
        rng.shuffle(hotels)
        self._hotels = draws(rng, hotels, SKEW)
        leads = [int(rng.expovariate(1 / MEAN_LEAD_DAYS)) for _ in range(LEADS)]
        self._leads = draws(rng, leads)
        self._trips = draws(rng, [_trip(booking) for booking in bookings])
        self._numbers_of_searches = draws(rng, range(1, MOST_SEARCHES + 1), 1.0)
        self._sessions = Sessions(rng, rate, self._begin)
        self._bookings = 0

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one booking for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        first = self._bookings
        self._bookings += len(times_us)
        seconds = seconds_of(times_us, _ID_TO_SECOND)
        rows = zip(map(b'{"id": %d'.__mod__, range(first, self._bookings)), seconds, steps, strict=False)
        return [b"".join((begin, second, *step)) for begin, second, step in rows]

    def _begin(self, now_us: int) -> Iterable[Step]:
        before, nights, middle, dates, after = next(self._trips)
        if nights is not None:
            check_in = now_us // _DAY_US + _EPOCH_DAY + next(self._leads)
            dates = b'"srch_ci": "%b", "srch_co": "%b", ' % (_DAYS[check_in], _DAYS[check_in + nights])
        guest = b"%d" % (self._random() * GUESTS)
        search = b"".join((before, guest, middle, dates, after))
        return zip(repeat(search), islice(self._hotels, next(self._numbers_of_searches)), strict=False)


_DAYS: BoundedCache[int, bytes] = BoundedCache(lambda ordinal: date.fromordinal(ordinal).isoformat().encode())


def _trip(booking: Mapping[str, object]) -> Trip:
    parts = _PARTS.fullmatch(json.dumps(booking).encode())
    assert parts is not None
    before, middle, dates, after = parts.groups()
    nights = _nights(booking["srch_ci"], booking["srch_co"])
    return b'", ' + before, nights, middle, dates, after


def _nights(check_in: object, check_out: object) -> int | None:
    try:
        stay: timedelta = date.fromisoformat(str(check_out)) - date.fromisoformat(str(check_in))
    except ValueError:
        return None
    return stay.days if stay.days > 0 else None
