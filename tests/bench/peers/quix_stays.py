"""Quix Streams as its users write it: bookings in, enriched bookings out; in A2 counted by its windows."""

import json
import os
import signal
from pathlib import Path

from quixstreams import Application
from stays import HOUR_SECONDS, category_of, time_of

IS_COUNTED = os.environ["JOB"] == "A2"
GRACE_MS = 400 * 86_400_000  # bookings come in no order of their time
SESSION = {"session.timeout.ms": int(os.environ["SESSION_MS"])} if "SESSION_MS" in os.environ else {}

app = Application(
    broker_address=os.environ["BROKER"],
    consumer_group=os.environ["GROUP"],
    auto_offset_reset="earliest",
    loglevel="WARNING",
    state_dir=os.environ["FOLDER"],
    auto_create_topics=IS_COUNTED,  # for its repartition and changelog topics
    consumer_extra_config={"queued.min.messages": 100_000, **SESSION},
    producer_extra_config={"linger.ms": 20, "queue.buffering.max.messages": 1_000_000},
)
counts: dict[str, int] = {}  # the last that its windows told, for the check


def enrich(booking: dict) -> dict:
    """Give a booking its stay category."""
    booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    return booking


def event_time(booking: dict, _headers: object, _timestamp: float, _kind: object) -> int:
    """Return when it was made, in milliseconds."""
    return int(time_of(booking["date_time"]).timestamp() * 1000)


def keep(window: dict, key: str, _timestamp: int, _headers: object) -> None:
    """Keep the count of a window."""
    counts[f"{key}|{window['start'] // 1000}"] = window["value"]


source = app.topic(
    os.environ["SOURCE"], value_deserializer="json", timestamp_extractor=event_time if IS_COUNTED else None
)
sink = app.topic(os.environ["OUTPUT"], value_serializer="json")
bookings = app.dataframe(source).apply(enrich).to_topic(sink)
if IS_COUNTED:
    hourly = bookings[["stay_category"]].group_by("stay_category")  # so that the repartition topic is thin
    windows = hourly.tumbling_window(HOUR_SECONDS * 1000, grace_ms=GRACE_MS).count().current()
    windows.update(keep, metadata=True)

signal.signal(signal.SIGTERM, lambda *_: app.stop())
app.run()
Path(os.environ["COUNTS"]).write_text(json.dumps(counts))
