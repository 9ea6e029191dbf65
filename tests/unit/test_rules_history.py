"""Versions and their authors: what compaction leaves, what is kept, and who is named."""

import os
import pwd
import threading
from collections.abc import Sequence
from itertools import count
from types import SimpleNamespace

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from dataflow.access.identity import Grants, Identity, IdentityKind
from dataflow.catalogue.declared import AUDIT_LOG, OWN_TOPICS
from dataflow.cli.author import command_author
from dataflow.kafka.record import Record
from dataflow.rules import version as module
from dataflow.rules.history import _ranges
from dataflow.rules.outputs import RESERVED
from dataflow.rules.version import (
    FILTER_RULES_DOCUMENT,
    Authorship,
    Document,
    Version,
    VersionLog,
    outdated_keys,
)
from dataflow.web.author import author_of
from dataflow.web.authorize import IDENTITY


def a_record(offset: int, key: bytes, value: bytes | None, *headers: tuple[str, bytes]) -> Record:
    """Return a record as a broker gives it."""
    return SimpleNamespace(offset=offset, timestamp=offset * 1000, key=key, value=value, headers=headers)


def compacted(records: Sequence[Record]) -> list[Record]:
    """Return the last record of every key, as compaction leaves them."""
    last = {record.key: record for record in records}
    return sorted(last.values(), key=lambda record: record.offset)


def history_of(records: Sequence[Record]) -> list[Version]:
    """Return the versions that a reader of these records finds."""
    kept: list[Version] = []
    VersionLog(None, FILTER_RULES_DOCUMENT, kept)._apply(records)
    return kept


async def test_versions_are_checked_beside_the_loop(monkeypatch: pytest.MonkeyPatch):
    """A thousand are kept, each with regexes to compile: who asked for the history held up all batches."""
    threads: list[int] = []
    document = Document("t", "rules", lambda raw, origin: threads.append(threading.get_ident()), b"[]")

    async def read_all(*_):
        yield None, [a_record(0, b"1", b"[]", ("version", b"1")), a_record(1, b"2", b"[]", ("version", b"2"))]

    monkeypatch.setattr(module, "read_to_end", read_all)
    log = await VersionLog(None, document).read_to_end()
    assert log.last.number == 2
    assert len(threads) == 2
    assert threading.get_ident() not in threads


def test_every_version_and_its_author_survives_compaction():
    """All versions had one key: after a day the broker had forgotten all but the last."""
    written = [
        a_record(0, b"document", b"[]", ("version", b"1")),  # as the release before wrote them
        a_record(1, b"document", b"[]", ("version", b"2")),
        *(
            a_record(n, b"%d" % n, b"[]", ("version", b"%d" % n), *Authorship("user ann", n - 1).headers)
            for n in (3, 4, 5)
        ),
    ]
    assert [one.number for one in history_of(written)] == [1, 2, 3, 4, 5]
    left = history_of(compacted(written))
    assert [(one.number, one.author, one.reverts) for one in left] == [
        (2, None, None),
        (3, "user ann", 2),
        (4, "user ann", 3),
        (5, "user ann", 4),
    ]
    assert [one.at_ms for one in left] == [1000, 3000, 4000, 5000]


def test_a_deleted_version_changes_nothing_for_its_readers():
    """A tombstone is no bad version, and the last good one stays in use."""
    log = VersionLog(None, FILTER_RULES_DOCUMENT)
    log._apply([a_record(0, b"1", b"[]", ("version", b"7")), a_record(1, b"0", None)])
    assert (log.last.number, log.highest, log.fault) == (7, 7, None)


@given(sizes=st.lists(st.integers(0, 20), max_size=30), new=st.integers(0, 20))
def test_the_newest_versions_are_kept_within_number_and_bytes(sizes: list[int], new: int):
    """The log is read by every worker at its start: it does not grow for ever."""
    kept = [Version(n, b"x" * size, n, b"%d" % n) for n, size in zip(count(1), sizes, strict=False)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_KEPT", 10)
        patch.setattr(module, "MOST_KEPT_BYTES", 100)
        outdated = outdated_keys(kept, new)
    still = [one for one in kept if one.key not in outdated]
    assert still == kept[len(kept) - len(still) :]
    assert len(still) < 10
    assert new + sum(len(one.raw) for one in still) <= 100
    if outdated:
        more = kept[len(kept) - len(still) - 1 :]
        assert len(more) >= 10 or new + sum(len(one.raw) for one in more) > 100


def test_a_key_that_a_kept_version_has_too_is_not_deleted(monkeypatch):
    """Versions of the release before share a key: deleting it would take the newest of them."""
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    kept = [Version(n, b"", n, b"document") for n in (1, 2, 3)]
    assert outdated_keys(kept, 0) == set()
    assert outdated_keys([*kept, Version(4, b"", 4, b"4")], 0) == {b"document"}


@pytest.mark.parametrize(
    ("numbers", "text"), [({0}, "0"), ({0, 1, 2}, "0-2"), ({0, 3, 4, 9, 11}, "0, 3-4, 9, 11")]
)
def test_versions_are_named_in_ranges(numbers: set[int], text: str):
    """A thousand numbers in an error help nobody."""
    assert _ranges(numbers) == text


@pytest.mark.parametrize(
    ("kind", "name", "author"),
    [
        (IdentityKind.USER, "ann", "user ann"),
        (IdentityKind.TOKEN, "grafana", "token grafana"),
        (IdentityKind.CERTIFICATE, "edge.example", "certificate edge.example"),
        (IdentityKind.WORKER, "", "worker"),
        (IdentityKind.EVERYBODY, "", "everybody at 192.0.2.7"),
    ],
)
def test_an_author_is_who_was_let_in(kind: IdentityKind, name: str, author: str):
    """Of whom nothing is known, the address is: more would be made up."""
    transport = SimpleNamespace(get_extra_info=lambda what: ("192.0.2.7", 5) if what == "peername" else None)
    request = make_mocked_request("PUT", "/rules", transport=transport)
    request[IDENTITY] = Identity(kind, name, Grants())
    assert author_of(request) == author


def test_the_author_of_a_command_is_the_user_of_its_process(monkeypatch):
    """Not what its environment says, which anybody can set."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    assert command_author().startswith(f"command line {pwd.getpwuid(os.getuid()).pw_name}@")
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert command_author().startswith("command line uid 54321@")


def test_no_rule_can_write_into_what_we_remember():
    """An output named audit-log would let whoever edits rules write what others have done."""
    assert {topic.name for topic in OWN_TOPICS} <= RESERVED
    assert AUDIT_LOG.name in RESERVED
