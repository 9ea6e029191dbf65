"""Orders and refunds: a batch agent, exactly once, and an ordinary Faust agent beside it in one app.

faust -A examples.refunds worker -l info
curl localhost:6066/refunds/
"""

import faust
from faust.types import StreamT
from faust.types.web import Request, Response, View

from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.batch import Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from examples.standalone import StandaloneApp

PARTITIONS = 4
LARGE = 1_000.0


class Order(faust.Record, include_metadata=False):
    """What a customer has bought."""

    number: str
    total: float


class Refund(faust.Record, include_metadata=False):
    """Money that a customer gets back."""

    order: str
    reason: str


def mark_large(order: Order) -> Added:
    """Return the field ``is_large`` of an order."""
    return Added(is_large=order.total >= LARGE)


MARK = EnrichStage("mark-large", compile_decoder(Order, reads=("total",), adds=("is_large",)), mark_large)

app = StandaloneApp(
    "refunds",
    DeclaredTopic("orders", "orders", Order, partitions=PARTITIONS),
    DeclaredTopic("orders-marked", "orders with their size", Order, partitions=PARTITIONS),
    DeclaredTopic("refunds", "refunds", Refund, partitions=PARTITIONS),
)
orders, orders_marked = app.batches("orders"), app.batches("orders-marked")
refunds = app.topic("refunds", value_type=Refund)
refunds_per_reason = app.Table("refunds_per_reason", default=int, partitions=PARTITIONS)


@app.agent(orders)
async def mark_orders(batches: Batches) -> None:
    """Mark large orders; each once, whatever is killed."""
    async for batch in batches:
        async with batch:
            await orders_marked.send_batch(batch.apply(MARK))


@app.agent(refunds)
async def count_refunds(events: StreamT[Refund]) -> None:
    """Count refunds, whose key is their reason, with what Faust guarantees: some twice after a crash."""
    async for refund in events:
        refunds_per_reason[refund.reason] += 1


@app.page("/refunds/")
async def show_refunds(view: View, _request: Request) -> Response:
    """Return how many refunds this worker has counted for each reason."""
    return view.json(dict(refunds_per_reason.items()))
