"""What an engineer writes by hand with confluent-kafka and orjson: bookings in, enriched bookings out.

Once a second it flushes, then commits. In A2 the counts are a plain dict; with each commit one
record per changed count goes to a changelog topic, and no code reads it back.
"""

import json
import os
from collections import Counter
from pathlib import Path

import orjson
from confluent_kafka import Message
from hand_loop import OUTPUT, produce, run
from stays import category_of, hour_of

IS_COUNTED = os.environ["JOB"] == "A2"

counts: Counter[tuple[int, str, int]] = Counter()  # partition, category, start of the hour
changed: set[tuple[int, str, int]] = set()


def enrich(message: Message) -> bytes:
    """Return the booking with its stay category; in A2, count it."""
    booking = orjson.loads(message.value())
    category = booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    if IS_COUNTED:
        cell = message.partition(), category, hour_of(booking["date_time"])
        counts[cell] += 1
        changed.add(cell)
    return orjson.dumps(booking)


def write_changed() -> None:
    """Write the changed counts."""
    for cell in changed:
        partition, category, hour = cell
        produce(f"{OUTPUT}-changelog", b"%d" % counts[cell], f"{category}|{hour}".encode(), partition)
    changed.clear()


run(enrich, write_changed)
totals: Counter[str] = Counter()
for (_, category, hour), count in counts.items():
    totals[f"{category}|{hour}"] += count
Path(os.environ["COUNTS"]).write_text(json.dumps(totals))  # for the check
