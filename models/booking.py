"""Booking: a search for a hotel room, as topic ``expedia`` brings it."""

import faust


class Booking(faust.Record, include_metadata=False):
    """One search or booking of a hotel room; the record's key is null."""

    id: int
    """Number of the booking."""
    user_id: int
    """Who searched."""
    site_name: int
    """Point of sale: which of the sites."""
    user_location_country: int
    """Country the user is in, by number."""
    user_location_region: int
    """Region the user is in, by number."""
    user_location_city: int
    """City the user is in, by number."""
    is_mobile: int
    """1 from a mobile device, else 0."""
    is_package: int
    """1 as part of a package with a flight, else 0."""
    channel: int
    """Marketing channel, by number."""
    srch_adults_cnt: int
    """Adults in the room."""
    srch_children_cnt: int
    """Children in the room."""
    srch_rm_cnt: int
    """Rooms."""
    srch_destination_id: int
    """Destination that was searched for, by number."""
    srch_destination_type_id: int
    """Kind of that destination, by number."""
    hotel_id: int | None = None
    """Hotel, 64 bit; null where the sender has none."""
    date_time: str | None = None
    """When the search was made, event time: ``YYYY-MM-DD hh:mm:ss``, UTC; null: not known."""
    posa_container: int | None = None
    """Continent of the point of sale, by number; null: not known."""
    orig_destination_distance: float | None = None
    """Miles between user and hotel; null: could not be worked out."""
    srch_ci: str | None = None
    """Day of check-in, ``YYYY-MM-DD``; null: not given."""
    srch_co: str | None = None
    """Day of check-out, ``YYYY-MM-DD``; null: not given."""
