"""Stock Faust as its users write it: bookings in, enriched bookings out; in A2 counted in a table."""

import json
import os
from datetime import datetime
from pathlib import Path

import faust
from peers.stays import category_of

SESSION_SECONDS = int(os.environ.get("SESSION_MS", "60000")) / 1000

app = faust.App(
    os.environ["GROUP"],
    broker=[f"kafka://{address}" for address in os.environ["BROKER"].split(",")],
    store="memory://",
    datadir=os.environ["FOLDER"],
    topic_partitions=4,
    topic_replication_factor=int(os.environ.get("COPIES", "1")),
    broker_session_timeout=SESSION_SECONDS,
    broker_heartbeat_interval=SESSION_SECONDS / 4,
    topic_disable_leader=True,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
    producer_linger=0.02,
    producer_max_batch_size=262_144,
    broker_max_poll_records=5_000,
    stream_buffer_maxsize=16_384,
)


class Booking(faust.Record, serializer="json", include_metadata=False, coerce=True):
    """A booking as it comes."""

    id: int
    date_time: datetime
    site_name: int
    posa_container: int | None
    user_location_country: int
    user_location_region: int
    user_location_city: int
    orig_destination_distance: float | None
    user_id: int
    is_mobile: int
    is_package: int
    channel: int
    srch_ci: str | None
    srch_co: str | None
    srch_adults_cnt: int
    srch_children_cnt: int
    srch_rm_cnt: int
    srch_destination_id: int
    srch_destination_type_id: int
    hotel_id: int | None


class CategorizedBooking(Booking, serializer="json", include_metadata=False):
    """A booking as it goes out."""

    stay_category: str


source = app.topic(os.environ["SOURCE"], value_type=Booking)
sink = app.topic(os.environ["OUTPUT"], value_type=CategorizedBooking)
IS_COUNTED = os.environ["JOB"] == "A2"
if IS_COUNTED:
    stays = app.Table("stays", default=int, partitions=4)
    stays = stays.tumbling(3600.0).relative_to_field(Booking.date_time)


@app.agent(source, sink=[sink])
async def categorize(bookings):
    """Give every booking its stay category."""
    async for booking in bookings:
        category = category_of(booking.srch_ci, booking.srch_co)
        if IS_COUNTED:
            stays[category] += 1
        yield CategorizedBooking(**booking.asdict(), stay_category=category)


def write_counts() -> None:
    """Write the counts to a file for the check."""
    counts = {f"{key}|{int(window[0])}": count for (key, window), count in stays.table.items()}
    Path(os.environ["COUNTS"]).write_text(json.dumps(counts))


@app.on_before_shutdown.connect
async def before_shutdown(_app, **_):
    """Keep what is counted."""
    if IS_COUNTED:
        write_counts()
