"""One poison record in a batch of 10,000: 9,999 are stored, one dead letter says who refuses it, and why."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka_client import KafkaClient
from sinks.access_lines import a_line, done
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.systems import System, csv_folder, object_store, postgres, search
from sinks.waiting import until

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.settings import Role, read_settings
from dataflow.sinks.configured import configured_sinks

pytestmark = pytest.mark.long

RECORDS, POISON = 10_000, 4_711


class Case(NamedTuple):
    """A poison record, and what is said of it."""

    name: str
    start: Callable[[Path], AbstractContextManager[System]]
    poison: bytes
    reason: str
    detail: str


CASES = [
    Case("postgres, a NUL byte", postgres, a_line(POISON, endpoint="/a\x00b"), "wrong_type",
         'table web_logs: invalid byte sequence for encoding "UTF8": 0x00'),
    Case("postgres, an over-long field", postgres, a_line(POISON, country="Atlantis"), "too_large",
         "table web_logs: value too long for type character varying(2)"),
    Case("opensearch, no JSON", search, b"no json", "not_json", "invalid"),
    Case("s3, no JSON", object_store, b"no json", "not_json", "invalid"),
    Case("csv, a field of another type", csv_folder, b'{"device_id": 7}', "wrong_type",
         "Expected `str`, got `int`"),
]  # fmt: skip
PARAMS = [
    pytest.param(
        case, id=case.name, marks=pytest.mark.skipif(case.start is search and not JARS, reason=NOT_THERE)
    )
    for case in CASES
]


@pytest.mark.parametrize("case", PARAMS)
async def test_one_poison_record_in_ten_thousand_is_one_dead_letter(
    own_broker, run, tmp_path, monkeypatch, case
):
    """The rest of the batch goes in; the letter has the raw bytes, and the system's own words."""
    client = KafkaClient(own_broker.address)
    with case.start(tmp_path) as system:
        client.create_topics([system.topic, DEAD_LETTERS.name], partitions=1)
        values = [case.poison if number == POISON else system.record(number) for number in range(RECORDS)]
        client.produce(system.topic, values, partition=0)
        sizes: list[int] = []
        runner = await run(a_sink(system, sizes, monkeypatch), address=client.address, linger_seconds=10)
        await until(lambda: done(runner) == RECORDS, 60)
        await until(lambda: client.read_topic(DEAD_LETTERS.name))  # a marker follows its acknowledgement
        await runner.stop()
        found = sorted(await asyncio.to_thread(system.numbers))
    assert set(sizes) == {RECORDS}  # a server may have been too slow for the first try
    assert found == [number for number in range(RECORDS) if number != POISON]
    [letter] = client.read_topic(DEAD_LETTERS.name)
    headers = {name: value.decode() for name, value in letter.headers}
    assert letter.value == case.poison
    assert (headers["dataflow-stage"], headers["dataflow-reason"]) == (f"sink-{system.sink}", case.reason)
    assert case.detail in headers["dataflow-detail"]
    assert (headers["dataflow-topic"], headers["dataflow-offset"]) == (system.topic, str(POISON))


def a_sink(system, sizes, monkeypatch):
    """Return the sink that a worker of the role would run, whose batches are measured."""
    for name, value in system.environment(system.port, RECORDS).items():
        monkeypatch.setenv(name, value)
    [sink] = configured_sinks(read_settings().model_copy(update={"role": Role(f"sink-{system.sink}")}))
    write = sink.write

    async def measured(batch):
        sizes.append(len(batch.records))
        return await write(batch)

    monkeypatch.setattr(sink, "write", measured)
    return sink
