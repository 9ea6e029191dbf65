"""What agents see of a windowed table: they add rows."""

from typing import Any

from dataflow.engine.batch import current_batch
from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.topic import OutsideTransaction


class CountedTable:
    """A windowed table that counts what is added to it inside a batch."""

    def __init__(self, table: WindowedTable) -> None:
        self.table = table

    @property
    def name(self) -> str:
        """Name of the table, as in its address and its changelog."""
        return self.table.name

    def add(self, rows: ColumnBatch[Any]) -> None:
        """Count these rows, in the checkpoint of the batch that they came in."""
        batch = current_batch.get()
        if batch is None:
            raise OutsideTransaction(
                f"add() of table {self.name} is called outside of a batch; "
                "expected it inside `async with batch`"
            )
        batch.fold(self.table, rows)
