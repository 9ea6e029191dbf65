"""Key choice: of keys with parts, some, and those together that have a part in common; exact, or refused."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_answers import OneWorker
from table_rows import rows_of

from dataflow.app import app
from dataflow.engine.tables import Distinct, Max, PartedKey, Sum, TablePartition, Window, WindowedTable
from dataflow.http_error import HttpError
from dataflow.web.key_choice import PartValues
from dataflow.web.tables import _described

SECOND_MS = 1_000
TEN = Window("of_10", 10 * SECOND_MS)
NAMES = ("site", "user", "bytes")
STATUSES, COUNTRIES, HOSTS = ("200", "404"), ("DE", "FR"), ("a.example", "b example")

Row = tuple[int, str, str, str, int]


def table(max_keys: int = 100) -> WindowedTable:
    """Return a table whose keys have three parts."""
    return WindowedTable(
        "sites",
        key=PartedKey("site", "status", "country", "host"),
        windows=(TEN,),
        lateness_ms=100 * SECOND_MS,
        max_keys=max_keys,
        users=Distinct("user"),
        bytes=Sum("bytes"),
        most=Max("bytes"),
    )


def worker_with(rows: list[Row], of: WindowedTable, partitions: int = 2) -> OneWorker:
    """Return a worker that has counted rows of second, status, country, host and bytes."""
    parts = [TablePartition(of) for _ in range(partitions)]
    for number, part in enumerate(parts):
        own = [
            (second * SECOND_MS, f"{status} {country} {host}", f"{size}", size)
            for second, status, country, host, size in rows[number::partitions]
        ]
        part.fold(rows_of(own, *NAMES))
    return OneWorker(of, parts)


def counts_of(answer: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return the counts of each window by key."""
    return {w["start"]: {entry["key"]: entry["count"] for entry in w["entries"]} for w in answer["windows"]}


ROWS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(STATUSES),
        st.sampled_from(COUNTRIES),
        st.sampled_from(HOSTS),
        st.integers(0, 99),
    ),
    min_size=1,
    max_size=40,
)
CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from((*STATUSES, "500")),
        "country": st.sampled_from(COUNTRIES),
        "host": st.sampled_from(HOSTS),
    },
)


@given(ROWS, CHOSEN, st.sampled_from(["each", "together", "status", "country", "host"]))
def test_any_choice_of_parts_counts_what_a_scan_of_the_rows_does(rows: list[Row], chosen, keys: str):
    """Whatever is filtered and grouped, in one window or in several that are put together."""
    places = {"status": 1, "country": 2, "host": 3}
    meant = [row for row in rows if all(row[places[name]] == value for name, value in chosen.items())]

    def name_of(row: Row) -> str:
        if keys == "together":
            return "(all)"
        return " ".join(row[1:4]) if keys == "each" else str(row[places[keys]])

    where = {"where": " ".join(f"{name}={value}" for name, value in chosen.items())} if chosen else {}
    worker = worker_with(rows, table())
    answer = worker.get(window="all", keys=keys, **where)
    found = {entry["key"]: entry for window in answer["windows"] for entry in window["entries"]}
    assert {key: entry["count"] for key, entry in found.items()} == Counter(map(name_of, meant))
    for key, entry in found.items():
        own = [row for row in meant if name_of(row) == key]
        assert entry["bytes"] == sum(row[4] for row in own)
        assert entry["most"] == max(row[4] for row in own)
        assert entry["users"] == len({row[4] for row in own})
    by_window = worker.get(window="of_10", keys=keys, limit="1000", **where)
    sums = Counter[str]()
    for counts in counts_of(by_window).values():
        sums.update(counts)
    assert sums == Counter(map(name_of, meant))


def test_keys_together_are_ranked_by_their_sum_and_come_page_by_page():
    """The first page has the greatest of all, not of what single keys had."""
    rows: list[Row] = [(1, "200", "DE", f"{n}.example", 1) for n in range(3)] + [(1, "200", "FR", "x", 1)] * 2
    worker = worker_with(rows, table())
    pages = worker.pages(window="all", keys="country", limit="1")
    assert [[(e["key"], e["count"]) for w in page["windows"] for e in w["entries"]] for page in pages] == [
        [("DE", 3)], [("FR", 2)],
    ]  # fmt: skip
    assert pages[0]["windows"][0]["total"] == 2


def test_what_a_full_window_holds_no_longer_apart_is_never_taken_for_a_part():
    """It stays `(other)`: a page says by how many rows a number may be too small."""
    rows: list[Row] = [(1, "200", "DE", f"{n}.example", 1) for n in range(30)]
    worker = worker_with(rows, table(max_keys=5), partitions=1)
    for asked in ({"keys": "status"}, {"keys": "together", "where": "status=200"}):
        [counts] = counts_of(worker.get(window="all", **asked)).values()
        assert counts.pop("(other)") > 0
        assert sum(counts.values()) < 30
    [whole] = counts_of(worker.get(window="all", keys="together")).values()
    assert whole == {"(all)": 30}


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"keys": "city"}, "keys is 'city'; expected each, together, status, country or host, as sites has"),
        ({"where": "city=x"}, "part is 'city'; expected one of status, country or host, in where of sites"),
        ({"where": "DE"}, "where is 'DE'; expected PART=VALUE, several with spaces between them"),
        ({"where": ""}, "where is ''; expected PART=VALUE"),
        ({"where": "status=404 status=500"}, "where is 'status=404 status=500'; .* each part once"),
        ({"where": "=404 status=404"}, "where is '=404 status=404'; expected PART=VALUE"),
        ({"keys": "host", "order": "most"}, "order is 'most'; expected key, count or bytes with keys=host"),
        ({"keys": "host", "order": "users"}, "order is 'users'; expected key, count or bytes"),
    ],
)
def test_what_cannot_be_answered_is_refused(asked: dict[str, str], error: str):
    """A part that a table does not know would match nothing, and look like no events."""
    with pytest.raises(HttpError, match=error):
        worker_with([(1, "200", "DE", "a", 1)], table()).get(window="all", **asked)


@pytest.mark.parametrize("parts", [(), ("one",), ("each", "x"), ("a b", "c")])
def test_a_declaration_of_parts_that_nobody_could_ask_for_is_refused(parts: tuple[str, ...]):
    """`keys=each` has a meaning already."""
    with pytest.raises(ValueError, match="expected two or more"):
        PartedKey("site", *parts)


def test_the_list_of_tables_can_be_written(monkeypatch: pytest.MonkeyPatch):
    """Every page begins with it; JSON has no texts of types of our own."""
    monkeypatch.setattr(app, "topology", SimpleNamespace(sources_of=lambda _: ["x"], partition_counts={}))
    described = msgspec.json.decode(msgspec.json.encode(_described(table())))
    assert (described["key"], described["key_parts"]) == ("site", ["status", "country", "host"])


def test_a_value_with_spaces_comes_last():
    """As in the key itself."""
    assert PartValues.parse("status=404 host=a b").by_part == {"status": "404", "host": "a b"}


def test_the_key_of_a_table_is_a_plain_text_for_all_that_reads_it():
    """`GET /tables` failed for every table, as what makes JSON takes no kinds of text."""
    table = WindowedTable("visits", key=PartedKey("site", "status", "host"))
    assert msgspec.json.decode(msgspec.json.encode(table.key)) == "site"
    assert table.key_parts == ("status", "host")
