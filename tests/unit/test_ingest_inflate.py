"""Unpacking bodies: what senders pack, whatever its form, and what only pretends to be packed."""

import gzip
import sys
import zlib
from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.http_error import HttpError
from dataflow.sources.inflate import (
    BODY_WINDOW_LOG,
    MOST_STREAMS,
    PIECE_BYTES,
    SLICE_BYTES,
    inflate,
    known_encoding,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST = 10 << 20
TEXT = b"a line of the log\n" * 20_000


def raw_deflate(text: bytes) -> bytes:
    """Pack without the zlib header, as some senders take "deflate" to mean."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "": bytes,
}


def inflated(packed: bytes, encoding: str, most: int = MOST) -> bytes:
    """Return all of it."""
    return b"".join(inflate(packed, encoding, most))


def refusal_of(packed: bytes, encoding: str, most: int = MOST) -> HttpError:
    """Return why it is refused."""
    with pytest.raises(HttpError) as raised:
        inflated(packed, encoding, most)
    return raised.value


@pytest.mark.parametrize("encoding", PACKERS)
@given(text=st.binary(max_size=2_000), times=st.sampled_from([1, 100]))
def test_what_is_packed_comes_out_as_it_was(encoding: str, text: bytes, times: int):
    """A body is the same however it travelled."""
    assert inflated(PACKERS[encoding](text * times), encoding) == text * times


def test_deflate_without_its_header_is_read_too():
    """Half the world's clients leave it out."""
    assert inflated(raw_deflate(TEXT), "deflate") == TEXT


@pytest.mark.parametrize("behind", [gzip.compress(b"more", mtime=0), b"no gzip at all"])
def test_what_stands_behind_a_large_stream_is_not_asked_for_ever(behind: bytes):
    """Zlib gives a rest again and again once its stream has ended."""
    body = gzip.compress(b"x" * 300_000 + bytes(range(256)) * 999) + behind
    with suppress(HttpError):
        assert b"".join(inflate(body, "gzip", 1 << 20)).endswith(b"more")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_streams_one_behind_the_other_are_one_body(encoding: str):
    """`cat a.gz b.gz` is a gzip file, and log shippers make such."""
    pack = PACKERS[encoding]
    assert inflated(pack(b"one\n") + pack(b"two\n"), encoding) == b"one\ntwo\n"


@pytest.mark.parametrize("encoding", PACKERS)
def test_pieces_are_small_whatever_is_packed(encoding: str):
    """A piece is what is held at a time."""
    pieces = list(inflate(PACKERS[encoding](TEXT), encoding, MOST))
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert len(pieces) > 5


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_stopped_while_it_inflates(encoding: str):
    """A thousand bytes must not become a gigabyte before anybody looks."""
    bomb = PACKERS[encoding](bytes(50 << 20))
    pieces = inflate(bomb, encoding, 1 << 20)
    seen = sum(len(next(pieces)) for _ in range((1 << 20) // PIECE_BYTES))
    assert seen <= 1 << 20
    with pytest.raises(HttpError) as raised:
        list(pieces)
    assert raised.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_the_bound_itself_is_still_taken():
    """At most means at most."""
    assert len(inflated(gzip.compress(bytes(1000)), "gzip", 1000)) == 1000
    assert refusal_of(gzip.compress(bytes(1001)), "gzip", 1000).status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_body_that_breaks_off_is_refused(encoding: str):
    """Half a batch must not be taken for all of it."""
    whole = PACKERS[encoding](TEXT)
    for cut in (1, len(whole) // 2, len(whole) - 1):
        assert refusal_of(whole[:cut], encoding).status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@given(junk=st.binary(min_size=1, max_size=200))
def test_no_bytes_at_all_make_it_fail_otherwise(encoding: str, junk: bytes):
    """What is no stream is refused, never an error of ours."""
    with suppress(HttpError):
        inflated(junk, encoding)


@pytest.mark.parametrize(
    ("header", "encoding"),
    [("", ""), ("identity", ""), (" GZIP ", "gzip"), ("x-gzip", "x-gzip"), ("zstd", "zstd")],
)
def test_encodings_are_known_by_name(header: str, encoding: str):
    """Header values have no case."""
    assert known_encoding(header) == encoding


@pytest.mark.parametrize("header", ["br", "gzip, gzip", "compress", "x" * 5_000])
def test_another_encoding_is_refused_by_name(header: str):
    """Who reads the answer has to see what was wrong, not all of it."""
    with pytest.raises(HttpError, match="Content-Encoding is") as raised:
        known_encoding(header)
    assert raised.value.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(("bits", "is_taken"), [(BODY_WINDOW_LOG, True), (BODY_WINDOW_LOG + 1, False)])
def test_a_zstd_body_that_refers_back_far_is_refused(bits: int, is_taken: bool):
    """Each of four bodies of 5 KB took 128 MiB of memory: what a stream may refer to is held."""
    packing = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: bits})
    packed = packing.compress(TEXT) + packing.flush()
    if is_taken:
        assert inflated(packed, "zstd") == TEXT
    else:
        assert "requires too much memory" in str(refusal_of(packed, "zstd"))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_many_streams_in_one_body_are_refused(encoding: str):
    """75,000 empty members in 1.5 MB held the loop for 14 seconds: each copied what was behind it."""
    empty = PACKERS[encoding](b"")
    assert refusal_of(empty * (MOST_STREAMS + 1), encoding).status == HTTPStatus.BAD_REQUEST
    assert inflated(empty * (MOST_STREAMS - 1) + PACKERS[encoding](TEXT), encoding) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_who_unpacks_is_asked_often_whether_others_have_a_turn(encoding: str):
    """A piece that holds nothing stands for a turn: there is one for each slice, whatever it unpacks to."""
    empty = PACKERS[encoding](b"")
    packed = empty * min(MOST_STREAMS, 10 * SLICE_BYTES // len(empty))
    turns = sum(not piece for piece in inflate(packed, encoding, MOST))
    assert turns >= len(packed) // SLICE_BYTES
