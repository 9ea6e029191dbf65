"""Categorized booking: a booking with its stay category, as topic ``expedia_ext`` brings it."""

from models.booking import Booking


class CategorizedBooking(Booking, include_metadata=False):
    """A booking, and how long the guest means to stay."""

    stay_category: str | None = None
    """One of the five of `StayCategory`, as text: ``Short stay``."""
