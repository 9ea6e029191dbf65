"""Bytewax as its users write it: bookings in, enriched bookings out; in A2 counted by its windows.

It reads what is there and ends, as its windows are told when they close. Its state is in SQLite.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower, count_window
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from stays import HOUR_SECONDS, category_of, time_of

BROKERS = [os.environ["BROKER"]]
DISORDER = timedelta(days=400)  # bookings come in no order of their time
counts: dict[str, int] = {}  # the windows as they close, for the check


class Keep(StatelessSinkPartition):
    """Keeps what a window told."""

    def write_batch(self, items: list) -> None:
        """Keep the counts."""
        counts.update((f"{key}|{window * HOUR_SECONDS}", count) for key, (window, count) in items)


class Kept(DynamicSink):
    """A sink for each worker."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Keep:
        """Return it."""
        return Keep()


def enrich(message: object) -> dict:
    """Return a booking with its stay category."""
    booking = orjson.loads(message.value)
    booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    return booking


flow = Dataflow("stays")
source = kop.input(
    "in", flow, brokers=BROKERS, topics=[os.environ["SOURCE"]], tail=False, batch_size=1_000,
    add_config={"queued.min.messages": "100000"},
)  # fmt: skip
bookings = op.map("enrich", source.oks, enrich)
records = op.map("write", bookings, lambda booking: KafkaSinkMessage(None, orjson.dumps(booking)))
kop.output(
    "out", records, brokers=BROKERS, topic=os.environ["OUTPUT"],
    add_config={"linger.ms": "20", "queue.buffering.max.messages": "1000000"},
)  # fmt: skip
if os.environ["JOB"] == "A2":
    windows = count_window(
        "count",
        bookings,
        EventClock(lambda booking: time_of(booking["date_time"]), wait_for_system_duration=DISORDER),
        TumblingWindower(length=timedelta(hours=1), align_to=datetime(1970, 1, 1, tzinfo=UTC)),
        key=lambda booking: booking["stay_category"],
    )
    op.output("keep", windows.down, Kept())

recovery = Path(os.environ["FOLDER"]) / "recovery"
recovery.mkdir()
init_db_dir(recovery, 1)
cli_main(flow, recovery_config=RecoveryConfig(recovery), epoch_interval=timedelta(seconds=10))
Path(os.environ["COUNTS"]).write_text(json.dumps(counts))
