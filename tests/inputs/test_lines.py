"""Lines of a content: whatever the bytes and however they come in pieces, the same lines."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dataflow.inputs.content import BEGIN_BYTES, ContentReader

MOST = 20
BITS = st.lists(st.sampled_from([b"\n", b"\r\n", b" ", b"a", b"\xff", b"long " * 3, b"\0" * 30]), max_size=60)


def pieces_of(raw: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Yield the bytes cut at these places."""
    places = sorted({cut % (len(raw) + 1) for cut in cuts} | {0, len(raw)})
    return (raw[begin:end] for begin, end in pairwise(places))


def simply(raw: bytes) -> list[bytes]:
    """Return the lines in these bytes, as anybody would; a hole in front of one is no part of it."""
    written = (line.lstrip(b"\0") for line in raw.split(b"\n"))
    lines = (line[: MOST + 1] if len(line) > MOST + 1 else line for line in written)
    return [line.removesuffix(b"\r") if len(line) <= MOST else line for line in lines if line.strip()]


@given(BITS, st.lists(st.integers(0, 500)), st.integers(0, 200))
def test_pieces_and_passed_bytes_change_no_line(bits: list[bytes], cuts: list[int], passed: int):
    """A run that goes on somewhere reads what a simple split of the rest gives."""
    raw = b"".join(bits)
    reader = ContentReader(pieces_of(raw, cuts))
    begin = reader.peek()
    if not reader.pass_to(passed):
        assert (reader.reached, reader.sha256) == (len(raw), sha256(raw).hexdigest())
        return
    rest = raw[passed:]
    ended, line_feed, tail = rest.rpartition(b"\n")
    lines = [line for some in reader.complete_lines(MOST) for line in some]
    reached = passed + len(ended) + len(line_feed)
    assert begin == raw[:BEGIN_BYTES]
    assert lines == simply(ended)
    assert (reader.reached, reader.sha256) == (reached, sha256(raw[:reached]).hexdigest())
    assert reader.begin == raw[:reached][:BEGIN_BYTES]
    assert reader.tail == simply(tail)
    reader.pass_tail()
    assert (reader.reached, reader.sha256) == (len(raw), sha256(raw).hexdigest())


def test_each_list_of_lines_reaches_as_far_as_it_says():
    """What is committed with some lines is where the next run begins."""
    reader = ContentReader(iter([b"a\nb", b"b\n\n", b"c\nd"]))
    seen = [(lines, reader.reached) for lines in reader.complete_lines(MOST)]
    assert seen == [([b"a"], 2), ([b"bb"], 6), ([b"c"], 8)]
    assert reader.tail == [b"d"]
