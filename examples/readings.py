"""Readings of thermometers: adds Fahrenheit, and counts and sums them for each device and minute.

faust -A examples.readings worker -l info
curl localhost:6066/devices/
"""

from collections import Counter

import faust
from faust.types.web import Request, Response, View

from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.batch import Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_time import EventTime
from dataflow.engine.query import ReadTotals
from dataflow.engine.splice import Added
from dataflow.engine.tables import HOUR, MINUTE, Sum, WindowedTable
from dataflow.stages.event_time import parse_iso
from examples.standalone import StandaloneApp

PARTITIONS = 4
LATENESS_MS = 10 * MINUTE.size_ms


class Reading(faust.Record, include_metadata=False):
    """One reading of a thermometer."""

    device: str
    millicelsius: int
    """A whole number: sums are exact."""
    at: str
    """Event time, ISO 8601; UTC if it names no zone."""


def add_fahrenheit(reading: Reading) -> Added:
    """Return the field ``fahrenheit`` of a reading."""
    return Added(fahrenheit=round(reading.millicelsius * 9 / 5_000 + 32, 2))


FAHRENHEIT = EnrichStage(
    "fahrenheit",
    compile_decoder(Reading, reads=("device", "millicelsius", "at"), adds=("fahrenheit",)),
    add_fahrenheit,
)

app = StandaloneApp(
    "readings",
    DeclaredTopic("readings", "readings of thermometers", Reading, partitions=PARTITIONS),
    DeclaredTopic("readings-converted", "readings with Fahrenheit", Reading, partitions=PARTITIONS),
)
readings = app.batches("readings", event_time=EventTime("at", parse_iso), columns=FAHRENHEIT.columns)
readings_converted = app.batches("readings-converted")

temperatures = app.windowed_table(
    readings,
    WindowedTable(
        "temperatures",
        key="device",
        windows=(MINUTE.kept_for(HOUR.size_ms),),  # tumbling: each reading is in one of them
        lateness_ms=LATENESS_MS,
        millicelsius=Sum("millicelsius"),
    ),
)


@app.agent(readings)
async def convert_readings(batches: Batches) -> None:
    """Convert every reading, and count it."""
    async for batch in batches:
        async with batch:
            converted = batch.apply(FAHRENHEIT)
            temperatures.add(converted)
            await readings_converted.send_batch(converted)


@app.page("/devices/")
async def show_devices(view: View, _request: Request) -> Response:
    """Return the readings of each device in the last hour: how many, and their mean."""
    query = ReadTotals(temperatures.table.name, MINUTE.name, (0, None), ("count", "millicelsius"))
    answered = (await app.queries.query(["readings"], query))["readings"]
    count, sums = Counter[str](), Counter[str]()
    for totals in answered.by_partition.values():
        of_count, of_sums = totals.by_aggregation
        count.update(of_count)
        sums.update(of_sums)
    devices = {
        device: {"readings": number, "mean_celsius": round(sums[device] / number / 1_000, 2)}
        for device, number in count.items()
    }
    return view.json({"devices": devices, "missing_partitions": answered.missing})
