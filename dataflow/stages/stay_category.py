"""Stay category: how long a hotel guest means to stay; a booking in, its category out."""

import re
from datetime import date
from enum import StrEnum

from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from dataflow.stages.bounded_cache import BoundedCache
from models.booking import Booking

# date.fromisoformat also takes 20170801 and 2017-W31-2, which no booking system means.
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class StayCategory(StrEnum):
    """The five categories, as consumers of ``expedia_ext`` know them."""

    ERRONEOUS = "Erroneous data"
    SHORT = "Short stay"
    STANDARD = "Standard stay"
    EXTENDED = "Standard extended stay"
    LONG = "Long stay"


def stay_category(check_in: str | None, check_out: str | None) -> StayCategory:
    """Return the category of a stay between two ISO dates (``YYYY-MM-DD``).

    A missing or impossible date is not an exception: it is `ERRONEOUS`, as is a stay of no nights.
    """
    nights = _nights(check_in, check_out)
    if nights < 1:
        return StayCategory.ERRONEOUS
    if nights < 5:
        return StayCategory.SHORT
    if nights < 11:
        return StayCategory.STANDARD
    return StayCategory.EXTENDED if nights < 15 else StayCategory.LONG


def categorize(booking: Booking) -> Added:
    """Return the field ``stay_category`` of a booking."""
    return _added[booking.srch_ci, booking.srch_co]


def stay_of(booking: Booking, added: Added) -> bytes:
    """Return the stay for topic ``expedia_test``: hotel and category, as JSON."""
    number = booking.hotel_id
    # As pandas writes a column with gaps, 12.0 is 12; what is no whole number is no hotel.
    hotel = b"null" if number is None or number % 1 else b"%d" % number
    return b'{"hotel_id": ' + hotel + added.tail


def _nights(check_in: str | None, check_out: str | None) -> int:
    """Return the nights; 0 where a date is missing or impossible."""
    arrival, departure = _day(check_in), _day(check_out)
    return 0 if arrival is None or departure is None else (departure - arrival).days


def _day(text: str | None) -> date | None:
    if text is None or _ISO_DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:  # no such day: 2161-10-00
        return None


_ADDED = {category: Added(stay_category=category.value) for category in StayCategory}
_added = BoundedCache[tuple[str | None, str | None], Added](lambda dates: _ADDED[stay_category(*dates)])

STAY_CATEGORY = EnrichStage(
    "stay-category",
    compile_decoder(
        Booking,
        reads=("srch_ci", "srch_co", "date_time", "hotel_id"),
        adds=("stay_category",),
        sent_as={"hotel_id": int | float | None},
    ),
    categorize,
)
"""The stage; beside the two dates its decoder reads what is counted."""
