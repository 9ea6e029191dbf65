"""What a person changes in PostgreSQL while the sink writes: no event is at fault, and all are stored."""

from typing import NamedTuple

import asyncpg
import pytest
from sinks.postgres_batches import ACCESS_LOGS_PARSED, a_batch, a_request

from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres.sink import PostgresSink

REFUSES = "PostgreSQL: table web_logs refuses each row, even one without values"
OTHER_TYPE = "PostgreSQL: table web_logs has a column of another type"
RAISING = (
    "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no rows'; END$$; "
    "CREATE TRIGGER stop BEFORE INSERT ON web_logs FOR EACH ROW EXECUTE FUNCTION stop()"
)
NOT_NULL = (
    "ALTER TABLE web_logs ADD COLUMN team text NOT NULL DEFAULT 'x'; "
    "ALTER TABLE web_logs ALTER COLUMN team DROP DEFAULT"
)
TO_NUMBER = "ALTER TABLE web_logs ALTER COLUMN endpoint TYPE integer USING 0"
TO_ADDRESS = "ALTER TABLE web_logs ALTER COLUMN endpoint TYPE inet USING NULL"
BACK = "ALTER TABLE web_logs ALTER COLUMN endpoint TYPE text"


def an_event(**chosen: object) -> dict[str, object]:
    """Return an analytics event, whose table wants all of its values."""
    return {"device_id": "d-1", "event_type": "click", "created_on": "2015-05-17T10:05:03Z"} | chosen


class Change(NamedTuple):
    """A change, what is told of it, and what a person does then; none: the sink goes on by itself."""

    breaking: str
    told: str
    mending: str = ""


CHANGES = [
    pytest.param(Change(RAISING, REFUSES, "DROP TRIGGER stop ON web_logs"), id="a trigger that raises"),
    pytest.param(Change(NOT_NULL, REFUSES, "ALTER TABLE web_logs DROP COLUMN team"), id="a column not null"),
    pytest.param(Change(TO_NUMBER, OTHER_TYPE, BACK), id="a text that is a number now"),
    pytest.param(Change(TO_ADDRESS, OTHER_TYPE, BACK), id="a text that is an address now"),
    pytest.param(Change("DROP TABLE web_logs", "does not exist"), id="a table that is dropped"),
    pytest.param(
        Change("ALTER TABLE web_logs DROP COLUMN referer", "does not exist"), id="a column that is dropped"
    ),
    pytest.param(
        Change("DROP TABLE web_logs_default, web_logs_20150517", "no partition of relation"),
        id="partitions that are dropped",
    ),
]


async def execute(url: str, statements: str) -> None:
    """Do something as a person."""
    connection = await asyncpg.connect(url)
    await connection.execute(statements)
    await connection.close()


async def stored(url: str) -> list[str]:
    """Return what is in the table, in order."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch('SELECT endpoint FROM web_logs ORDER BY "offset"')
    await connection.close()
    return [row["endpoint"] for row in rows]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_of_the_schema_makes_no_dead_letters(database: str, change: Change, monkeypatch):
    """Each event became a dead letter, or the worker ended, or waited until it was started again."""
    monkeypatch.setattr("dataflow.sinks.postgres.day_partitions.days_to_create", lambda *_: [])
    sink = PostgresSink(database)
    await sink.open()
    await execute(database, "CREATE TABLE web_logs_20150517 PARTITION OF web_logs "
                  "FOR VALUES FROM ('2015-05-17') TO ('2015-05-18')")  # fmt: skip
    await execute(database, change.breaking)
    batch = a_batch(ACCESS_LOGS_PARSED, a_request(endpoint="/a"), a_request(endpoint="/b"))
    with pytest.raises(SinkUnavailable, match=change.told):
        await sink.write(batch)
    if change.mending:
        await execute(database, change.mending)
    assert (await sink.write(batch)).rejected == []
    assert await stored(database) == ["/a", "/b"]
    await sink.close()


async def test_a_day_that_is_detached_and_kept_goes_to_the_default_partition(database: str):
    """The name is taken: no event of any day was stored until somebody dropped or renamed the table."""
    sink = PostgresSink(database)
    await sink.open()
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(endpoint="/a")))
    await execute(database, "ALTER TABLE web_logs DETACH PARTITION web_logs_20150517")
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(endpoint="/b"), first=1))
    sink._targets[ACCESS_LOGS_PARSED].days.forget()
    assert (await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(endpoint="/c"), first=2))).rejected == []
    assert await stored(database) == ["/b", "/c"]
    await sink.close()


async def test_a_row_that_a_constraint_refuses_is_still_a_dead_letter(database: str):
    """The table takes rows without that value."""
    sink = PostgresSink(database)
    await sink.open()
    await execute(database, "ALTER TABLE web_logs ADD CHECK (status < 500)")
    batch = a_batch(ACCESS_LOGS_PARSED, a_request(status=503))
    assert [one.record.offset for one in (await sink.write(batch)).rejected] == [0]
    await sink.close()


ALONE = [
    pytest.param("analytics-events", an_event(event_type="x" * 51), "SELECT", id="a text that is too long"),
    pytest.param(
        ACCESS_LOGS_PARSED, a_request(status=None), "ALTER TABLE web_logs ALTER status SET NOT NULL",
        id="no value where a person wants one",
    ),
    pytest.param(
        ACCESS_LOGS_PARSED, a_request(endpoint="a\x00b"), "ALTER TABLE web_logs ALTER status SET NOT NULL",
        id="a character that is none",
    ),
    pytest.param(
        ACCESS_LOGS_PARSED, a_request(status=None), "ALTER TABLE web_logs ADD CHECK (status IS NOT NULL)",
        id="no value where a constraint wants one",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "value", "change"), ALONE)
async def test_an_event_that_comes_alone_is_a_dead_letter_in_a_table_that_wants_values(
    database: str, topic: str, value: dict[str, object], change: str
):
    """A row without values was refused for these, and that taken for a table that refuses all: it waited."""
    sink = PostgresSink(database)
    await sink.open()
    await execute(database, change)
    result = await sink.write(a_batch(topic, value))
    assert [one.record.offset for one in result.rejected] == [0]
    await sink.close()
