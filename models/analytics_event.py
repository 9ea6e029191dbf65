"""Analytics event: one thing that an app on a device reports, as topic ``analytics-events`` brings it."""

import faust


class AnalyticsEvent(faust.Record, include_metadata=False):
    """A session that begins or ends, or money that was earned."""

    device_id: str
    """The device, as the app names it; 1 to 200 characters."""
    event_type: str
    """``START_SESSION``, ``END_SESSION`` or ``REVENUE``."""
    created_on: str
    """When it happened, event time: ISO 8601 date-time, UTC where it names no offset."""
