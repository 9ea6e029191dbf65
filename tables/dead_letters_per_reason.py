"""Dead letters per reason: how many events could not be used, and how many bytes, for each reason."""

from dataflow.app import app
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.engine.tables import Sum, WindowedTable
from dataflow.streams import batch_topic
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

dead_letters_per_reason = app.windowed_table(
    batch_topic(DEAD_LETTERS),
    WindowedTable(
        "dead_letters_per_reason",
        key="reason",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        max_keys=1_000,
        bytes=Sum("bytes"),
    ),
)
