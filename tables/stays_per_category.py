"""Stays per category: bookings and different hotels, by how long the guest means to stay."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.bookings import EXPEDIA
from dataflow.engine.tables import DAY, Distinct, WindowedTable

stays_per_category = app.windowed_table(
    batch_topic(EXPEDIA),
    WindowedTable(
        "stays_per_category",
        key="stay_category",
        windows=(DAY,),  # never closed: bookings come in no order of their `date_time`
        distinct_hotels=Distinct("hotel_id"),
    ),
)
