"""Row loader: loads rows in one transaction, without those that PostgreSQL rejects."""

from collections.abc import Collection, Sequence

import asyncpg

from dataflow.errors import Reason, SinkUnavailable
from dataflow.sinks.contract import Rejection, rejection
from dataflow.sinks.postgres.rows import FIRST_COLUMNS, RecordRow
from dataflow.sinks.postgres.tables import Table

ROW_ERRORS = (
    asyncpg.DataError,  # class 22: a NUL byte, too long, out of range
    asyncpg.IntegrityConstraintViolationError,  # class 23, as by a constraint that was added
    asyncpg.ProgramLimitExceededError,  # as by an index that was added
    asyncpg.RaiseError,  # P0001: by a trigger that was added
    OverflowError,  # asyncpg knows the range of an integer itself
    UnicodeEncodeError,
)
"""The fault is in a row: it would be rejected again."""

_LINE = "\n"
"""Behind it PostgreSQL quotes the row."""

Origin = tuple[str, int]
"""What rows are stored as: topic and partition."""

Fault = tuple[type[Exception], Rejection]
"""A row that is rejected, and the kind of error that it was refused with."""

SCHEMA_ERRORS = (TypeError, ValueError, AttributeError)
"""Of asyncpg, for a value that is none of its column's type: rows have the types that the sink gave it."""

TOO_LARGE = (asyncpg.StringDataRightTruncationError, asyncpg.ProgramLimitExceededError)


class RowLoader:
    """Loads rows through a temporary table: COPY is the fastest way, but cannot skip rows that exist.

    The table lives no longer than the transaction: the next one may have another connection of the
    server, behind a pooler.
    """

    def __init__(self, table: Table) -> None:
        self._name = table.name
        self._staging = f"{table.name}_batch"
        self._columns = (*FIRST_COLUMNS, *table.columns)
        columns = ", ".join(f'"{column}"' for column in self._columns)
        self._prepare = (
            f"CREATE TEMPORARY TABLE {self._staging} ON COMMIT DROP "  # noqa: S608  # our own names
            f"AS SELECT {columns} FROM {table.name} WITH NO DATA"
        )
        self._insert = (
            f"INSERT INTO {table.name} (topic, partition, {columns}) "  # noqa: S608  # our own names
            f"SELECT $1, $2, {columns} FROM {self._staging} "
            'ON CONFLICT (partition, "offset", topic, day) DO NOTHING'
        )

    async def load(
        self, connection: asyncpg.Connection, origin: Origin, rows: Sequence[RecordRow]
    ) -> list[Rejection]:
        """Load the rows that are not rejected, in the transaction of the connection."""
        await connection.execute(f"{self._prepare}; SAVEPOINT batch")
        try:
            await self._put(connection, origin, rows)
        except ROW_ERRORS as error:
            _raise_if_not_of_a_row(error)
            await connection.execute("ROLLBACK TO batch")
            faults = await self._load_halves(connection, origin, rows)
            if len(faults) == len(rows):
                await self._check_bare(connection, origin, rows[0], {kind for kind, _ in faults})
            return [rejected for _, rejected in faults]
        return []

    async def _check_bare(
        self,
        connection: asyncpg.Connection,
        origin: Origin,
        row: RecordRow,
        kinds: Collection[type[Exception]],
    ) -> None:
        """Raise `SinkUnavailable` if the table refuses the mere key of a row as it has refused the rows."""
        await connection.execute("SAVEPOINT bare")
        try:
            await self._put(connection, origin, [self._bare(row)])
        except ROW_ERRORS as error:
            if type(error) not in kinds or self._misses_values(error):
                await connection.execute("ROLLBACK TO bare")
                return
            raise SinkUnavailable(
                f"PostgreSQL: table {self._name} refuses each row, even one without values "
                f"({str(error).partition(_LINE)[0]}); expected it to take rows. Look at its triggers, "
                "constraints and columns"
            ) from error
        await connection.execute("ROLLBACK TO bare")

    def _misses_values(self, error: Exception) -> bool:
        """Tell whether a row may have been refused only because it is bare."""
        is_missing = isinstance(error, asyncpg.NotNullViolationError) and error.column_name in self._columns
        return is_missing or isinstance(error, asyncpg.CheckViolationError)

    def _bare(self, row: RecordRow) -> RecordRow:
        """Return a row with nothing but its key and its time."""
        record, values = row
        first = len(FIRST_COLUMNS)
        return record, (*values[:first], *[None] * (len(self._columns) - first))

    async def try_bare(
        self, connection: asyncpg.Connection, origin: Origin, rows: Sequence[RecordRow]
    ) -> None:
        """Load the rows with nothing but their keys and times, and take them back."""
        await self.load(connection, origin, list(map(self._bare, rows)))
        await connection.execute("ROLLBACK TO batch")

    async def _put(self, connection: asyncpg.Connection, origin: Origin, rows: Sequence[RecordRow]) -> None:
        values = [row for _, row in rows]
        try:
            await connection.copy_records_to_table(self._staging, records=values, columns=self._columns)
        except ROW_ERRORS:
            raise
        except SCHEMA_ERRORS as error:
            raise SinkUnavailable(
                f"PostgreSQL: table {self._name} has a column of another type ({error}); expected the types "
                "that the sink has made. Change it back"
            ) from error
        await connection.execute(self._insert, *origin)

    async def _load_halves(
        self, connection: asyncpg.Connection, origin: Origin, rows: Sequence[RecordRow]
    ) -> list[Fault]:
        """Load the rows by halves, down to the single rows that are rejected."""
        await connection.execute("SAVEPOINT part")
        try:
            await self._put(connection, origin, rows)
        except ROW_ERRORS as error:
            _raise_if_not_of_a_row(error)
            await connection.execute("ROLLBACK TO part; RELEASE part")
            if len(rows) == 1:
                reason = Reason.TOO_LARGE if isinstance(error, TOO_LARGE) else Reason.WRONG_TYPE
                return [(type(error), rejection(rows[0][0], self._words(error), reason))]
        else:
            await connection.execute(f"DELETE FROM {self._staging}; RELEASE part")  # noqa: S608  # our own name
            return []
        middle = len(rows) // 2
        first = await self._load_halves(connection, origin, rows[:middle])
        return first + await self._load_halves(connection, origin, rows[middle:])

    def _words(self, error: Exception) -> str:
        """Return the error of PostgreSQL, with its column."""
        parts = [str(error), getattr(error, "detail", None), getattr(error, "context", None)]
        return f"table {self._name}: " + "; ".join(part for part in parts if part)


def _raise_if_not_of_a_row(error: Exception) -> None:
    # A missing partition is reported as a failed check without a constraint.
    if isinstance(error, asyncpg.CheckViolationError) and error.constraint_name is None:
        raise error
