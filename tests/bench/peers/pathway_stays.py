"""Pathway as its users write it: bookings in, enriched bookings out; in A2 counted by its windows.

It reads what is there and ends. Its state is in files.
"""

import json
import os
from pathlib import Path

import orjson
import pathway as pw
from stays import HOUR_SECONDS, category_of, time_of

BROKER = {"bootstrap.servers": os.environ["BROKER"]}
counts: dict[str, int] = {}  # the last that its windows told, for the check


@pw.udf
def enrich(value: bytes) -> bytes:
    """Return a booking with its stay category."""
    booking = orjson.loads(value)
    booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    return orjson.dumps(booking)


@pw.udf
def stay_of(value: bytes) -> tuple[str, int]:
    """Return category and time of a booking."""
    booking = orjson.loads(value)
    category = category_of(booking["srch_ci"], booking["srch_co"])
    return category, int(time_of(booking["date_time"]).timestamp())


def keep(key: object, row: dict, time: int, is_addition: bool) -> None:
    """Keep the count of a window."""
    if is_addition:
        counts[f"{row['category']}|{row['hour']}"] = row["count"]


bookings = pw.io.kafka.read(
    {
        **BROKER,
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
        "queued.min.messages": "100000",
    },
    topic=os.environ["SOURCE"], format="raw", mode="static", autocommit_duration_ms=100, name="bookings",
)  # fmt: skip
enriched = bookings.select(data=enrich(pw.this.data))
pw.io.kafka.write(
    enriched, {**BROKER, "linger.ms": "20"}, os.environ["OUTPUT"], format="raw", value=enriched.data
)
durably = {}
if os.environ["JOB"] == "A2":
    stays = bookings.select(both=stay_of(pw.this.data))
    stays = stays.select(category=pw.this.both[0], at=pw.this.both[1])
    hourly = stays.windowby(
        pw.this.at, window=pw.temporal.tumbling(duration=HOUR_SECONDS), instance=pw.this.category
    )
    windows = hourly.reduce(
        category=pw.this._pw_instance, hour=pw.this._pw_window_start, count=pw.reducers.count()
    )
    pw.io.subscribe(windows, on_change=keep)
    folder = str(Path(os.environ["FOLDER"]) / "state")
    durably["persistence_config"] = pw.persistence.Config(pw.persistence.Backend.filesystem(folder))

pw.run(monitoring_level=pw.MonitoringLevel.NONE, **durably)
Path(os.environ["COUNTS"]).write_text(json.dumps(counts))
