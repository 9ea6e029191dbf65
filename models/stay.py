"""Stay: what topic ``expedia_test`` tells of a booking."""

import faust


class Stay(faust.Record, include_metadata=False):
    """The category of one booking's stay, by hotel."""

    hotel_id: int
    """Hotel, 64 bit, as sent."""
    stay_category: str
    """One of the five of `StayCategory`, as text: ``Short stay``."""
