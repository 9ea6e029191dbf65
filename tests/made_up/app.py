"""The real app with the made-up stream, its agent and its table; for `faust -A made_up.app`.

In the product the declaration, the agent and the table are a file each, and nothing else is touched.
"""

from collections.abc import Sequence
from pathlib import Path

import dataflow.catalogue.streams

dataflow.catalogue.streams.__path__.append(str(Path(__file__).with_name("streams")))

from dataflow.catalogue.streams.parcels import PARCELS, PARCELS_INSURED, STREAM, Parcel  # type: ignore[import-not-found]  # noqa: E402  # it is there at run time

from dataflow.app import app, batch_topic  # noqa: E402  # the declaration has to be there before anybody reads them
from dataflow.engine.batch import Batches  # noqa: E402
from dataflow.engine.decoding import compile_decoder, fault_of  # noqa: E402
from dataflow.engine.stage import FilterStage  # noqa: E402
from dataflow.engine.tables import DAY, Distinct, WindowedTable  # noqa: E402

DECODER = compile_decoder(Parcel, reads=STREAM.columns)


def judge(raws: Sequence[bytes]) -> list[str | None]:
    """Drop what is not insured."""
    return [None if DECODER.read(raw).is_insured else "not-insured" for raw in raws]


INSURED_PARCELS = FilterStage("insured-parcels", judge, DECODER.read, fault_of, DECODER.reads)

parcels_per_depot = app.windowed_table(
    batch_topic(PARCELS),
    WindowedTable("parcels_per_depot", key="depot", windows=(DAY,), distinct_parcels=Distinct("number")),
)
parcels_insured = batch_topic(PARCELS_INSURED)


@app.agent(batch_topic(PARCELS))
async def keep_insured_parcels(batches: Batches) -> None:
    """Keep the scans of insured parcels."""
    async for batch in batches:
        async with batch:
            scans = batch.apply(INSURED_PARCELS)
            parcels_per_depot.add(scans)
            await parcels_insured.send_batch(scans)
