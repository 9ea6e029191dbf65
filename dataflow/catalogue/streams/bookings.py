"""Bookings: searches for hotel rooms, with their stay category."""

from dataflow.catalogue.stream import GeneratorKind, Stream
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable
from dataflow.engine.event_time import EventTime
from dataflow.stages.event_time import iso_ms
from dataflow.stages.stay_category import STAY_CATEGORY
from models.booking import Booking
from models.categorized_booking import CategorizedBooking
from models.stay import Stay

_SEARCHED = EventTime("date_time", iso_ms)

EXPEDIA = DeclaredTopic("expedia", "bookings", Booking, _SEARCHED)

EXPEDIA_EXT = DeclaredTopic(
    "expedia_ext",
    "bookings with their stay category",
    CategorizedBooking,
    _SEARCHED,
    table=PostgresTable("stays"),
)

EXPEDIA_TEST = DeclaredTopic("expedia_test", "hotel and stay category of each booking", Stay)

STREAM = Stream(
    "bookings",
    EXPEDIA,
    (EXPEDIA_EXT, EXPEDIA_TEST),
    columns=STAY_CATEGORY.columns,
    check=STAY_CATEGORY.decoder.read,
    ingest_number=3,
    generator=GeneratorKind("bookings", "bookings:Bookings"),
)
