import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sinks.postgres_batches import ACCESS_LOGS_PARSED, a_batch, a_booking, a_request, stop_maintenance

from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres import day_partitions as days
from dataflow.sinks.postgres import sink as postgres_sink
from dataflow.sinks.postgres.migrate import migrations
from dataflow.sinks.postgres.sink import PostgresSink
from dataflow.sinks.postgres.tables import TABLES

PLACES = 'SELECT tableoid::regclass::text, "offset" FROM web_logs ORDER BY 2'


@pytest.fixture
async def sink(database):
    """Return an open sink on an empty database."""
    sink = PostgresSink(database)
    await sink.open()
    yield sink
    await sink.close()


@pytest.fixture
async def rows(database):
    """Return what a query gives, as plain tuples."""
    connection = await asyncpg.connect(database)

    async def fetch(query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await connection.fetch(query)]

    yield fetch
    await connection.close()


async def test_a_batch_written_twice_is_there_once(sink, rows):
    """The origin is the key: a crash before the commit gives the same batch again."""
    batch = a_batch(ACCESS_LOGS_PARSED, a_request(), a_request(ip="::1"))
    assert (await sink.write(batch)).end == 2
    assert (await sink.write(batch)).end == 2
    assert await rows('SELECT topic, partition, "offset", day::text, ip FROM web_logs ORDER BY 3') == [
        (ACCESS_LOGS_PARSED, 3, 0, "2015-05-17", "83.149.9.216"),
        (ACCESS_LOGS_PARSED, 3, 1, "2015-05-17", "::1"),
    ]


async def test_an_overlapping_batch_adds_only_what_is_new(sink, rows):
    """After a restart batches are cut elsewhere."""
    await sink.write(a_batch(ACCESS_LOGS_PARSED, *[a_request()] * 10))
    await sink.write(a_batch(ACCESS_LOGS_PARSED, *[a_request()] * 10, first=5))
    assert await rows("SELECT count(*) FROM web_logs") == [(15,)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_the_columns_declared_are_those_of_the_database(sink, rows, table):
    """The migration and the declaration say the same; only so is nothing forgotten."""
    found = await rows(
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table.name}'"
    )
    assert {name for (name,) in found} == {"topic", "partition", "offset", "day", "ts", *table.columns}


@pytest.mark.parametrize(
    ("topic", "sent", "query", "row"),
    [
        (
            ACCESS_LOGS_PARSED,
            a_request(user="frank", bytes=12, response_time_ms=1.5, is_bot=True),
            "SELECT user_name, bytes, response_time_ms, is_bot, country FROM web_logs",
            ("frank", 12, 1.5, True, None),
        ),
        (
            "expedia_ext",
            a_booking(),
            "SELECT hotel_id, stay_category, srch_ci, ts::text FROM stays",
            (2**40, "Short stay", "no date", "2014-08-11 07:46:59+00"),
        ),
        (
            "enriched-web-events",
            {
                "event_timestamp": "2026-11-21 21:23:30.425855",
                "geo_latitude": "53.5",
                "source_category": "social_media",
            },
            "SELECT geo_latitude, source_category, ts::text FROM page_views",
            (53.5, "social_media", "2026-11-21 21:23:30.425855+00"),
        ),
        (
            "analytics-events",
            {"device_id": "d1", "event_type": "REVENUE", "created_on": "2026-01-02T00:30:00+02:00"},
            "SELECT device_id, event_type, ts::text, day::text FROM analytics_events",
            ("d1", "REVENUE", "2026-01-01 22:30:00+00", "2026-01-01"),
        ),
        (
            "cdn-logs-parsed",
            {"ts": "2022-02-22T22:16:27.280Z", "status": 206, "is_cache_hit": True},
            "SELECT status, is_cache_hit, ts::text FROM cdn_requests",
            (206, True, "2022-02-22 22:16:27.28+00"),
        ),
    ],
    ids=["requests", "bookings", "page views", "analytics events", "CDN requests"],
)
async def test_a_topic_has_its_table_with_values_of_the_right_kind(sink, rows, topic, sent, query, row):
    """One real record of each kind goes in as it should come out."""
    await sink.write(a_batch(topic, sent))
    assert await rows(query) == [row]


@pytest.mark.parametrize(
    ("poison", "reason", "words"),
    [
        (a_request(endpoint="/a\x00b"), "wrong_type", 'invalid byte sequence for encoding "UTF8": 0x00'),
        (a_request(country="Atlantis"), "too_large", "value too long for type character varying(2)"),
        (a_request(status=2**40), "wrong_type", "value out of int32 range"),
        (a_request(status="ok"), "wrong_type", "Expected `int | null`"),
        (b"[]", "not_an_object", "value is an array; expected a JSON object"),
        (None, "empty", "value is null; expected a JSON object"),
    ],
)
async def test_one_poison_record_among_many_is_refused_in_the_words_of_the_server(
    sink, rows, poison, reason, words
):
    """All others of the batch go in."""
    values = [a_request()] * 1_000
    values[637] = poison
    stored = await sink.write(a_batch(ACCESS_LOGS_PARSED, *values))
    [rejected] = stored.rejected
    assert rejected.record.offset == 637
    assert rejected.fault.reason == reason
    assert words in rejected.fault.detail
    assert await rows('SELECT count(*), max("offset") FROM web_logs') == [(999, 999)]


async def test_a_time_that_is_none_is_null_and_the_row_is_of_the_day_on_which_it_came(sink, rows):
    """Tables count such an event: both must agree on which events count."""
    stored = await sink.write(
        a_batch("enriched-web-events", {"event_timestamp": "yesterday", "event_id": "e1"})
    )
    assert not stored.rejected
    assert await rows("SELECT count(*), count(ts), count(day) FROM page_views") == [(1, 0, 1)]


async def test_a_batch_of_nothing_but_poison_is_refused_whole(sink, rows):
    """Halving ends at single records, whatever their number."""
    stored = await sink.write(a_batch(ACCESS_LOGS_PARSED, *[a_request(method="\x00")] * 33))
    assert [rejected.record.offset for rejected in stored.rejected] == list(range(33))
    assert await rows("SELECT count(*) FROM web_logs") == [(0,)]


async def test_workers_that_start_at_once_migrate_once(database, rows):
    """Each waits for the other; the schema is made by one of them."""
    sinks = [PostgresSink(database) for _ in range(4)]
    await asyncio.gather(*(sink.open() for sink in sinks))
    await sinks[0].open()  # nor again by one that starts later
    assert await rows("SELECT number, name FROM dataflow_migrations ORDER BY 1") == [
        (number, name) for number, (name, _) in migrations().items()
    ]
    batches = [
        a_batch(ACCESS_LOGS_PARSED, *[a_request(ts=f"2015-05-{day:02}T00:00:00Z") for day in range(1, 31)])
    ]
    await asyncio.gather(*(sink.write(batches[0]) for sink in sinks))
    assert await rows("SELECT count(*) FROM web_logs") == [(30,)]
    await asyncio.gather(*(sink.close() for sink in sinks))


async def test_days_past_their_retention_are_dropped_and_not_made_again(database, rows):
    """A replay must not bring back what had to be forgotten."""
    keeping = PostgresSink(database)
    await keeping.open()
    await keeping.write(a_batch(ACCESS_LOGS_PARSED, a_request(), a_request(ts=None)))
    await keeping.close()
    forgetting = PostgresSink(database, retention_days=30)
    await forgetting.open()
    # The one without a time is of the day on which it came, in 2027: that day is kept.
    async with asyncio.timeout(30):
        while await rows('SELECT "offset" FROM web_logs') != [(1,)]:  # noqa: ASYNC110 - the server does it
            await asyncio.sleep(0.05)
    await forgetting.write(a_batch(ACCESS_LOGS_PARSED, a_request()))
    assert await rows('SELECT "offset" FROM web_logs') == [(1,)]
    assert await rows("SELECT count(*) FROM pg_class WHERE relname = 'web_logs_20150517'") == [(0,)]
    await forgetting.close()


async def test_the_next_days_are_made_ahead(database, rows):
    """At midnight nobody waits for a lock: today and two days more are there, in every table."""
    today = datetime.now(UTC).date()
    sink = PostgresSink(database)
    await sink.open()
    expected = {(f"{table.name}_{today + timedelta(days=n):%Y%m%d}",) for table in TABLES for n in range(3)}
    async with asyncio.timeout(30):
        while not expected <= set(await rows("SELECT relname FROM pg_class")):  # noqa: ASYNC110 - the server does it
            await asyncio.sleep(0.05)
    await sink.close()


async def test_a_long_query_holds_up_the_retention_and_not_the_rows(database, rows, monkeypatch):
    """To drop a day needs a lock; who waits for it makes all others wait, so it is given up."""
    monkeypatch.setattr(days, "DROP_WAIT", "100ms")
    sink = PostgresSink(database)
    await sink.open()
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request()))
    await sink.close()
    reader = await asyncpg.connect(database)
    async with reader.transaction():
        await reader.fetch("SELECT * FROM web_logs")
        sink = PostgresSink(database, retention_days=30)
        await sink.open()
        await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(ts=None), first=1))
        assert await rows("SELECT count(*) FROM web_logs") == [(2,)]
    await reader.close()
    await sink.close()


async def test_a_partition_that_somebody_has_dropped_is_made_again(sink, rows):
    """What a worker knows of the schema may be old; no row is lost, refused or held up for that."""
    await stop_maintenance(sink)
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request()))
    await rows("DROP TABLE web_logs_20150517")
    assert (await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request()))).rejected == []
    assert await rows(PLACES) == [("web_logs_default", 0)]
    days = sink._targets[ACCESS_LOGS_PARSED].days
    days.forget()
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(), a_request()))
    assert await rows(PLACES) == [("web_logs_20150517", 0), ("web_logs_20150517", 1)]


async def test_a_worker_frozen_in_a_transaction_does_not_hold_up_who_goes_on(database, rows, monkeypatch):
    """Its rows are locked; PostgreSQL ends the transaction, and it finds out when it wakes up."""
    monkeypatch.setattr(postgres_sink, "FROZEN_TRANSACTION", "300ms")
    frozen, successor = PostgresSink(database), PostgresSink(database)
    await frozen.open()
    await frozen.write(a_batch(ACCESS_LOGS_PARSED, a_request()))
    batch = a_batch(ACCESS_LOGS_PARSED, a_request(), a_request(), first=1)
    target = frozen._targets[ACCESS_LOGS_PARSED]

    async def freeze_and_wake() -> None:
        async with frozen._connections.transaction() as connection:
            rows_of_it = [target.row_of(record) for record in batch.records]
            await target.loader.load(connection, (batch.tp.topic, 3), rows_of_it)
            assert (await successor.write(batch)).end == 3

    with pytest.raises(SinkUnavailable):
        await freeze_and_wake()
    assert await rows("SELECT count(*) FROM web_logs") == [(3,)]
    await frozen.close()
    await successor.close()
