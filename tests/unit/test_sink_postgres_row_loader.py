"""Row loader of PostgreSQL: what is a fault of one row costs no other."""

from collections.abc import Sequence

import asyncpg
import pytest
from sinks.sink_records import a_record

from dataflow.sinks.postgres.row_loader import RowLoader
from dataflow.sinks.postgres.tables import TABLES


class Connection:
    """Stores offsets as a table would whose trigger refuses one of them."""

    def __init__(self, fault: Exception, refused: int) -> None:
        self.stored: list[int] = []
        self._batch: list[int] = []
        self._fault, self._refused = fault, refused

    async def execute(self, statement: str, *_: object) -> None:
        """Insert what was copied, all of it or nothing."""
        if not statement.startswith("INSERT"):
            return
        batch, self._batch = self._batch, []
        if self._refused in batch:
            raise self._fault
        self.stored += batch

    async def copy_records_to_table(
        self, _name: str, *, records: Sequence[tuple[int]], columns: object
    ) -> None:
        """Take rows."""
        self._batch = [row[0] for row in records]


@pytest.mark.parametrize("fault", [asyncpg.RaiseError, asyncpg.CharacterNotInRepertoireError, OverflowError])
async def test_a_row_that_is_refused_is_a_dead_letter_and_the_others_are_stored(fault: type[Exception]):
    """A trigger that a person had added, and that refused one row, held up its partition for good."""
    connection = Connection(fault("no"), refused=3)
    rows = [(a_record(offset, b"{}"), (offset,)) for offset in range(7)]
    rejected = await RowLoader(TABLES[0]).load(connection, (TABLES[0].topic, 0), rows)
    assert [(one.record.offset, one.fault.reason) for one in rejected] == [(3, "wrong_type")]
    assert sorted(connection.stored) == [0, 1, 2, 4, 5, 6]
