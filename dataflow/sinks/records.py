"""Records as sinks read them: what agents send on, with the fields that they have added."""

from models.booking import Booking
from models.page_view import PageView


class CategorizedBooking(Booking, include_metadata=False):
    """A booking, as topic ``expedia_ext`` brings it."""

    stay_category: str | None = None
    """One of the five of `StayCategory`, as text: ``Short stay``."""


class CategorizedView(PageView, include_metadata=False):
    """A page view, as topic ``enriched-web-events`` brings it."""

    source_category: str | None = None
    """Where the visitor came from, by `utm_source`; null if there is none."""
    user_email_domain: str | None = None
    """What follows the last @ of `user_custom_id`."""
