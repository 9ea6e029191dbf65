"""Count dead letters: what could not be used in, counted by the reason; so one sees that they grow."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.dead_letters.letter import NOTE
from dataflow.engine.batch import Batches
from tables.dead_letters_per_reason import dead_letters_per_reason


@app.agent(batch_topic(DEAD_LETTERS))
async def count_dead_letters(batches: Batches) -> None:
    """Count every dead letter; none of them becomes one again."""
    async for batch in batches:
        async with batch:
            dead_letters_per_reason.add(batch.apply(NOTE))
