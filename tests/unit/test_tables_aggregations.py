"""Summaries: any parts, merged in any order, are the summary of the whole."""

import random
import subprocess
import sys
from collections import Counter
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_parts import merge_entries, part_of
from table_rows import ColumnRows, state_of, unhurried

from dataflow.engine.tables import (
    ALL,
    Count,
    Distinct,
    Max,
    Min,
    Quantiles,
    Sum,
    TablePartition,
    TopK,
    WindowedTable,
)
from dataflow.engine.tables.aggregations import distinct, top_k

numbers = st.one_of(st.none(), st.integers())
values = {
    "count": (Count(), numbers),
    "sum": (Sum("n"), st.one_of(numbers, st.booleans())),
    "min": (Min("n"), numbers),
    "max of texts": (Max("n"), st.one_of(st.none(), st.text())),
    "distinct": (Distinct("n"), st.one_of(numbers, st.text(), st.floats(allow_nan=False))),
    "top": (TopK("n", 3), st.one_of(st.none(), st.text(), st.integers())),
    "quantiles": (Quantiles("n"), st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9))),
}


@pytest.mark.parametrize(("aggregation", "one"), values.values(), ids=values)
@unhurried
@given(data=st.data())
def test_parts_merge_to_the_whole_in_any_order(aggregation, one, data):
    """Windows, partitions and workers are merged as their answers come in."""
    parts = data.draw(st.lists(st.lists(one), min_size=1))
    whole = state_of(aggregation, [value for part in parts for value in part])

    merged = aggregation.new()
    for part in data.draw(st.permutations(parts)):
        merged = aggregation.merge(
            merged, aggregation.decode(aggregation.encode(state_of(aggregation, part)))
        )

    assert aggregation.result(merged) == aggregation.result(whole)


@pytest.mark.parametrize(("aggregation", "one"), values.values(), ids=values)
@unhurried
@given(data=st.data())
def test_merging_leaves_the_second_part_as_it_was(aggregation, one, data):
    """A part is merged into several windows."""
    first, second = (state_of(aggregation, data.draw(st.lists(one))) for _ in range(2))
    before = aggregation.encode(second)

    merged = aggregation.merge(first, second)
    aggregation.merge(merged, first)

    assert aggregation.encode(second) == before


@pytest.mark.parametrize(
    ("aggregation", "column", "expected"),
    [
        (Count(), [None, 7, 7], 3),
        (Sum("n"), [None, 7, True], 8),
        (Sum("n"), [2**63, 2**63], 2.0**64),
        (Sum("n"), [], 0),
        (Min("n"), [3, None, 1.5], 1.5),
        (Min("n"), [None], None),
        (Max("n"), ["b", "a"], "b"),
        (Distinct("n"), [1, "1", 1, None, "one", 2**70, str(2**70)], 4),
        (Distinct("n"), [-(2**63), 2**63 - 1, 1.0], 3),
        (TopK("n", 2), ["b", "a", None, "a", "c"], [{"value": "a", "count": 2}, {"value": "b", "count": 1}]),
        (Quantiles("n"), [None], {"p50": None, "p90": None, "p99": None}),
        (Quantiles("n", (0.5, 0.75, 0.999)), [4, 1, 3, 2], {"p50": 2.0, "p75": 3.0, "p99.9": 4.0}),
    ],
)
def test_results(aggregation, column, expected):
    """None is no value; each result is what its docstring says."""
    assert aggregation.result(state_of(aggregation, column)) == expected


def test_a_large_number_and_its_text_are_one_value():
    """Both are hashed as text: the price of numbers beyond 64 bits."""
    assert Distinct("n").result(state_of(Distinct("n"), [2**70, str(2**70)])) == 1


def test_a_sum_refuses_fractions():
    """Their total would depend on the order of arrival."""
    with pytest.raises(TypeError, match="a value of 'price' is a float; expected whole numbers"):
        Sum("price").prepare([1, 2.5])


@pytest.mark.parametrize(
    "declare",
    [
        lambda: TopK("n", 0),
        lambda: TopK("n", 101),
        lambda: Quantiles("n", ()),
        lambda: Quantiles("n", (1.1,)),
    ],
)
def test_a_summary_out_of_bounds_is_refused(declare):
    """A table is declared when the program starts, not when the first event comes."""
    with pytest.raises(ValueError, match="expected"):
        declare()


def test_distinct_is_exact_up_to_its_bound_and_near_beyond():
    """2,494 hotels must be counted to the last one; a million visitors need not."""
    aggregation = Distinct("n")
    exact = state_of(aggregation, range(distinct.EXACT))
    beyond = state_of(aggregation, range(100_000))

    assert aggregation.result(exact) == distinct.EXACT
    assert aggregation.result(beyond) == pytest.approx(100_000, rel=0.05)
    assert len(aggregation.encode(beyond)) < 4_200


def test_distinct_sketches_merge_to_the_same_number_in_any_order():
    """Set into sketch, sketch into set, sketch into sketch, seen before or not."""
    aggregation, dice = Distinct("n"), random.Random(3)
    parts = [range(9_000), range(5_000, 20_000), range(100), range(19_000, 19_500)]
    results = set()
    for _ in range(6):
        dice.shuffle(parts)
        merged = aggregation.new()
        for part in parts:
            merged = aggregation.merge(
                merged, aggregation.decode(aggregation.encode(state_of(aggregation, part)))
            )
        results.add(aggregation.result(merged))
    results.add(aggregation.result(state_of(aggregation, range(20_000))))

    assert len(results) == 1
    assert results.pop() == pytest.approx(20_000, rel=0.05)


def test_top_k_sketches_keep_the_heavy_values_within_their_bound():
    """The tail may be forgotten; what leads the list may not."""
    aggregation, dice = TopK("n", 5), random.Random(4)
    column = [str(int(dice.paretovariate(0.5))) for _ in range(30_000)]
    parts = [column[:500], column[500:20_000], column[20_000:]]
    states = [state_of(aggregation, part) for part in parts]
    truth = Counter(column)
    assert len(truth) > top_k.EXACT

    for order in ((0, 1, 2), (2, 1, 0)):
        merged = aggregation.new()
        for n in order:
            merged = aggregation.merge(merged, aggregation.decode(aggregation.encode(states[n])))
        for found, (value, count) in zip(aggregation.result(merged), truth.most_common(5), strict=True):
            assert found["value"] == value
            assert found["count"] == pytest.approx(count, abs=0.0018 * len(column))


def test_quantile_sketches_are_within_their_bound():
    """The rank of a quantile may be off by 1.33 % of all values; twice that never fails here."""
    aggregation, dice = Quantiles("n", (0.5, 0.9)), random.Random(5)
    column = [dice.lognormvariate(3, 1) for _ in range(20_000)]
    ranks = quantiles(column, n=1_000)

    merged = aggregation.new()
    for start in (0, 900, 1_000, 15_000):
        part = column[start : {0: 900, 900: 1_000, 1_000: 15_000}.get(start)]
        merged = aggregation.merge(
            merged, aggregation.decode(aggregation.encode(state_of(aggregation, part)))
        )

    result = aggregation.result(merged)
    assert ranks[473] < result["p50"] < ranks[526]
    assert ranks[873] < result["p90"] < ranks[926]


def test_a_table_counts_on_when_its_sets_have_become_sketches():
    """Small and large entries in one batch, and one entry that changes its form in the middle."""
    table = WindowedTable("views", key="page", windows=(), users=Distinct("user"))
    table_partition = TablePartition(table)
    for start in range(0, 12_000, 3_000):
        users = range(start, start + 3_000)
        table_partition.fold(
            ColumnRows([0] * 3_003, page=["busy"] * 3_000 + ["quiet"] * 3, user=[*users, 1, 2, None])
        )

    busy, quiet = merge_entries(table, ALL, [part_of(table_partition, ALL)])[0]["entries"]
    assert busy["count"] == 12_000
    assert busy["users"] == pytest.approx(12_000, rel=0.05)
    assert quiet == {"key": "quiet", "count": 12, "users": 2}


def test_sketches_are_not_imported_before_they_are_needed():
    """They bring numpy with them: 30 MB in a process that may take 250."""
    program = (
        "import sys; from dataflow.engine.tables import Distinct\n"
        "s = Distinct('hotel_id'); s.encode(s.fold(s.new(), range(2_494)))\n"
        "print({'datasketches', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
