"""CSV lines: what RFC 4180 says of one, read by others."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from dataflow.sinks.csv_lines import line_of


@given(st.lists(st.text(alphabet=st.characters(blacklist_categories=["Cs"])), min_size=2, max_size=4))
def test_any_field_reads_back_as_it_was(fields):
    """RFC 4180: quotes, commas and line ends inside of a field."""
    text = line_of(fields).decode()
    assert text.endswith("\r\n")
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == [fields]


def test_quotes_stand_only_where_they_are_needed():
    """As most programs write it."""
    assert line_of(['a"b', "c,d", "e\nf", "g h", ""]) == b'"a""b","c,d","e\nf",g h,\r\n'
