"""Dead letters per reason: how many events could not be used, and how many bytes, for each reason."""

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.engine.tables import Sum
from tables.windows import live_table

dead_letters_per_reason = live_table(
    "dead_letters_per_reason", DEAD_LETTERS, key="reason", max_keys=1_000, bytes=Sum("bytes")
)
