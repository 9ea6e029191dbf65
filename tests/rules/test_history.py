"""The history of rules on a real broker: it survives compaction and restarts, and leads back."""

import asyncio

import pytest

from dataflow.audit import AuditedAction, read_audit, write_audit
from dataflow.connection import broker_connection
from dataflow.errors import DataflowError
from dataflow.rules.history import UnknownVersion, read_history, revert, version_numbered
from dataflow.rules.version import (
    Authorship,
    Document,
    VersionConflict,
    last_version,
    put_version,
)
from dataflow.settings import Settings
from dataflow.stages.filter_document import read_document

BOTS = b'[{"fieldName":"UA","regex":"bot"}]'
ANN, BOB = Authorship("user ann"), Authorship("token deploy")


@pytest.fixture
def connection(broker):
    """Return how to reach the broker."""
    return broker_connection(Settings(broker=broker.address))


@pytest.fixture
def document(unique, create_topics):
    """Return a document whose topic is compacted at once, as a topic is after days."""
    topic = unique("rules")
    create_topics(
        topic,
        partitions=1,
        cleanup_policy="compact",
        segment_ms=100,
        min_cleanable_dirty_ratio="0.001",
        max_compaction_lag_ms=100,
        message_timestamp_type="LogAppendTime",
    )
    return Document(topic, "filter rules", read_document, b"[]")


async def numbers(connection, document):
    """Return the numbers of the versions that are kept."""
    return [version.number for version in await read_history(connection, document)]


async def test_versions_and_authors_are_there_after_compaction(connection, document, produce):
    """Who let the bots in last spring is asked in autumn."""
    for number in (b"1", b"2"):  # as the release before wrote them, all with one key
        produce(document.topic, [b"[]"], [b"document"], headers=[("version", number)])
    for number, by in ((3, ANN), (4, BOB)):
        await put_version(connection, "app", document, BOTS, follows=number - 1, by=by)
    async with asyncio.timeout(90):
        while 1 in await numbers(connection, document):
            await asyncio.sleep(0.5)
            produce(document.topic, [b"not rules"], [b"by hand"])  # rolls the segment
    kept = await read_history(connection, document)
    assert [(one.number, one.author) for one in kept] == [
        (2, None),
        (3, "user ann"),
        (4, "token deploy"),
    ]
    assert all(one.at_ms is not None for one in kept)


async def test_a_revert_is_a_new_version_and_says_of_which(connection, document):
    """Nothing is taken out of the history, whoever goes back."""
    await put_version(connection, "app", document, BOTS, follows=0, by=ANN)
    await put_version(connection, "app", document, b"[]", follows=1, by=ANN)
    reverted = await revert(connection, "app", document, 1, 2, "user bob")
    assert (reverted.number, reverted.raw) == (3, BOTS)
    last = await last_version(connection, document)
    assert (last.number, last.raw, last.author, last.reverts) == (3, BOTS, "user bob", 1)
    assert await numbers(connection, document) == [1, 2, 3]
    assert (await revert(connection, "app", document, 0, None, "user bob")).raw == document.empty


async def test_a_revert_of_what_has_changed_since_is_refused(connection, document):
    """As with a change: its editor has not seen what it would overwrite."""
    await put_version(connection, "app", document, BOTS, follows=0, by=ANN)
    await put_version(connection, "app", document, b"[]", follows=1, by=ANN)
    with pytest.raises(VersionConflict, match="version of the filter rules is 2; expected 1"):
        await revert(connection, "app", document, 1, 1, "user bob")
    assert await numbers(connection, document) == [1, 2]


async def test_an_unknown_version_is_told_with_those_there_are(connection, document):
    """Whoever mistypes a number need not ask for the list first."""
    await put_version(connection, "app", document, BOTS, follows=0, by=ANN)
    told = "version of the filter rules is 9; expected one that is kept: 0-1"
    for ask in (version_numbered(connection, document, 9), revert(connection, "app", document, 9, None, "x")):
        with pytest.raises(UnknownVersion, match=told):
            await ask
    missing = Document("not-there", "filter rules", read_document, b"[]")
    with pytest.raises(DataflowError, match="topic not-there is missing"):
        await read_history(connection, missing)


async def test_what_was_asked_for_is_in_the_audit_log(connection, unique, produce):
    """In the order of the broker, also where somebody has written into the topic by hand."""
    author = unique("user ann")
    await write_audit(connection, author, AuditedAction.START_SIMULATION, interval_seconds=1.5, other=None)
    produce("audit-log", [b"by hand"], partition=0)
    await write_audit(connection, author, AuditedAction.STOP_SIMULATION)
    all_entries = await read_audit(connection, 1_000)
    entries = [one for one in all_entries if one.author == author]
    assert [(one.action, one.details) for one in entries] == [
        ("stop simulation", {}),
        ("start simulation", {"interval_seconds": 1.5}),
    ]
    assert all(one.at.endswith("Z") for one in entries)
    assert await read_audit(connection, 2) == all_entries[:2]
