"""How objects of the archive look."""

import gzip
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks.sink_records import a_record

from dataflow.sinks.s3.formats import GzipNdjson


def encoded(pieces: list[bytes]) -> bytes:
    """Return the object."""
    out = io.BytesIO()
    GzipNdjson().encode("topic", pieces, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (b'{"a": 1}', b'{"a": 1}\n'),
        (b'{\r\n "a": 1\n}', b'{   "a": 1 }\n'),
        ('{"a": "ü\\n"}'.encode(), '{"a": "ü\\n"}\n'.encode()),
    ],
)
def test_a_record_is_one_line_of_what_was_sent(value, line):
    """Byte for byte, but for line feeds between the fields."""
    assert GzipNdjson().line_of("topic", a_record(0, value), 0) == line


@given(raw=st.binary(max_size=400), repeats=st.integers(1, 2_000), cuts=st.lists(st.integers(0, 800_000)))
def test_the_object_does_not_depend_on_the_pieces(raw, repeats, cuts):
    """A replay gathers the same lines in other batches."""
    whole = raw * repeats
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]
    assert encoded(pieces) == encoded([whole])
    assert gzip.decompress(encoded(pieces)) == whole


def test_the_object_does_not_depend_on_the_time_of_day():
    """Gzip writes the time into its header if it is let."""
    assert encoded([b"a\n"])[4:8] == bytes(4)
