"""What each sink does in each fault, on real servers: no other record is held up, and none is lost.

Three things can become of a record: it is stored, it is a dead letter as no try would store it, or it waits
until somebody has mended what is wrong, which is told. The tables below say which, for each sink and fault.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from sinks.access_lines import a_line
from sinks.faults import (
    DAYS,
    STRANGE_DAYS,
    Fault,
    away,
    full_disk,
    guests_database,
    of_a_day,
    small_store,
    wrong_right,
)
from sinks.flow import RETRY_SECONDS
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.sink_records import a_view
from sinks.systems import System, an_event, csv_folder, search
from sinks.waiting import until

MANY = 2_500  # more than an object in S3 has of each partition: a dead letter is written when it is complete
POISON = 25

Start = Callable[[Path], AbstractContextManager[System]]
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


def rows(*table: NamedTuple) -> list[object]:
    """Return the rows as parameters, named by sink and fault; those without their server are skipped."""
    return [
        pytest.param(
            row,
            id=f"{row[0]}, {row[1]}",
            marks=pytest.mark.skipif(row[2] is search and not JARS, reason=NOT_THERE),
        )
        for row in table
    ]


class Waits(NamedTuple):
    """A fault that somebody has to mend, what is told of it, and whether another topic goes on."""

    sink: str
    name: str
    start: Start
    fault: Fault
    told: str
    spares_others: bool = False


class Poison(NamedTuple):
    """A record that does not fit, and the reason of its dead letter; none: it is stored."""

    sink: str
    name: str
    start: Start
    value: bytes
    reason: str | None


WAITS = rows(
    Waits("postgres", "a wrong right", guests_database, wrong_right,
          "permission denied for table web_logs (42501)", spares_others=True),
    Waits("postgres", "a full disk", guests_database, full_disk, "No space left on device"),
    Waits("postgres", "an away server", guests_database, away, "Connect call failed"),
    Waits("s3", "a wrong right", small_store, wrong_right, "SignatureDoesNotMatch"),
    Waits("s3", "a full disk", small_store, full_disk, "S3: "),
    Waits("s3", "an away server", small_store, away, "Could not connect to the endpoint"),
    Waits("opensearch", "a wrong right", search, wrong_right, "FORBIDDEN/8/index write", spares_others=True),
    Waits("opensearch", "a full disk", search, full_disk, "flood-stage watermark", spares_others=True),
    Waits("opensearch", "an away server", search, away, "Cannot connect to host"),
    Waits("csv", "a wrong right", csv_folder, wrong_right, "Read-only file system"),
    Waits("csv", "a full disk", csv_folder, full_disk, "No space left on device"),
    Waits("csv", "an away server", csv_folder, away, "Is a directory"),
)  # fmt: skip

POISONS = rows(
    Poison("postgres", "a poison record", guests_database, a_line(POISON, endpoint="/\x00"), "wrong_type"),
    Poison("postgres", "a time that is none", guests_database, a_line(POISON, ts="yesterday"), None),
    Poison("s3", "a poison record", small_store, b"no json", "not_json"),
    Poison("opensearch", "a poison record", search, b"no json", "not_json"),
    Poison("opensearch", "an object for a text", search, a_view(POISON, utm_content={"a": 1}), None),
    Poison("opensearch", "960 fields", search, a_view(POISON, **{f"f{n}": n for n in range(960)}), None),
    Poison("csv", "a poison record", csv_folder, b'{"device_id": 7}', "wrong_type"),
    Poison("csv", "a time that is none", csv_folder, an_event(POISON, "yesterday"), None),
)

SYSTEMS = [
    pytest.param(guests_database, id="postgres"),
    pytest.param(small_store, id="s3"),
    pytest.param(search, id="opensearch", marks=pytest.mark.skipif(not JARS, reason=NOT_THERE)),
    pytest.param(csv_folder, id="csv"),
]


@pytest.mark.parametrize("case", WAITS)
async def test_what_somebody_has_to_mend_is_told_and_waited_for(flow_of, tmp_path, case):
    """Nothing is a dead letter, what is not concerned goes on, and all else does soon after."""
    with case.start(tmp_path) as system:
        flow = await flow_of(system)
        flow.send()
        await flow.until_stored()
        breaking = case.fault(system)
        await asyncio.to_thread(breaking.__enter__)
        await flow.until_told(case.told)
        if case.spares_others:
            await flow.until_another_topic_is_stored()
        await asyncio.to_thread(breaking.__exit__, None, None, None)
        await flow.until_stored()
        assert flow.reasons() == []
        await flow.runner.stop()


@pytest.mark.parametrize("case", POISONS)
async def test_a_record_that_does_not_fit_holds_up_no_other(flow_of, tmp_path, case):
    """It is a dead letter, or stored as far as it can be; all others are stored, before and behind it."""
    with case.start(tmp_path) as system:
        flow = await flow_of(system)
        flow.send(*(case.value if number == POISON else system.record(number) for number in range(MANY)))
        await flow.until_stored(without=POISON if case.reason else None)
        await until(lambda: flow.reasons() == ([case.reason] if case.reason else []), RETRY_SECONDS)
        await flow.runner.stop()


@pytest.mark.parametrize("start", SYSTEMS)
async def test_no_day_holds_up_another(flow_of, tmp_path, start):
    """Neither a thousand days at once, nor one that no calendar has."""
    with start(tmp_path) as system:
        flow = await flow_of(system)
        flow.send(*(of_a_day(system, number, day) for number, day in enumerate([*DAYS, *STRANGE_DAYS])))
        flow.send()
        await flow.until_stored()
        assert flow.reasons() == []
        await flow.runner.stop()
