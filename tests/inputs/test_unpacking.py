"""Packed inputs: gzip, zstd and Avro by their first bytes, whole or broken, within bounded memory."""

import gzip
import io
import itertools
import sys
import tracemalloc
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import date

import fastavro
import orjson
import pytest
from inputs.runs import Runs

from dataflow.inputs.content import InputContent
from dataflow.inputs.input import Input, UnreadableInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINE = b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /%d HTTP/1.1" 200 5\n'
RAW = b"".join(LINE % number for number in range(30_000))
SKIPPABLE = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
BOOKING = {
    "type": "record",
    "name": "Booking",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "date_time", "type": "string"},
        {"name": "orig_destination_distance", "type": ["null", "double"]},
        {"name": "srch_ci", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "hotel_id", "type": "long"},
    ],
}


def an_input(*pieces: bytes, path: str = "/logs/a") -> Input:
    """Return an input of these bytes, in these pieces."""
    return Input(path, sum(map(len, pieces)), "1", is_finished=True, open=lambda: iter(pieces))


def unpacked(*pieces: bytes, may_be_records: bool = True) -> bytes:
    """Return the content of these bytes."""
    return b"".join(InputContent(an_input(*pieces), may_be_records=may_be_records).pieces())


def some_bookings(count: int) -> list[dict[str, object]]:
    """Return bookings as Avro has them."""
    return [
        {
            "id": number,
            "date_time": "2016-01-31 12:00:00",
            "orig_destination_distance": None if number % 2 else number / 8,
            "srch_ci": date(2016, 2, 1 + number % 28),
            "hotel_id": 2**53 + number,
        }
        for number in range(count)
    ]


def an_avro_file(records: list[dict[str, object]], codec: str = "null") -> bytes:
    """Return a container file."""
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(BOOKING), records, codec=codec, sync_interval=2_000)
    return file.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        RAW,
        gzip.compress(RAW),
        gzip.compress(RAW[:1_000]) + gzip.compress(b"") + gzip.compress(RAW[1_000:]) + b"\0" * 512,
        zstd.compress(RAW),
        SKIPPABLE + zstd.compress(RAW[:1_000]) + SKIPPABLE + zstd.compress(RAW[1_000:]),
    ],
    ids=["plain", "gzip", "gzip members", "zstd", "zstd frames"],
)
@pytest.mark.parametrize("size", [1, 3, 1_000, 10**9])
def test_content_is_the_same_however_packed_and_however_it_comes(packed, size):
    """Its first bytes say what it is, and several members or frames are one file."""
    if size == 1 and len(packed) > 10_000:
        size = 97
    assert unpacked(*(packed[at : at + size] for at in range(0, len(packed), size))) == RAW


@pytest.mark.parametrize("content", [b"", b"\x1f", b"a", b"\n"])
def test_short_files_are_what_they_are(content):
    """Two bytes are not enough to be anything else."""
    assert unpacked(content) == content


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (gzip.compress(RAW)[:-9], "is truncated gzip; expected a whole file"),
        (zstd.compress(RAW)[:-9], "is truncated zstd; expected a whole file"),
        (gzip.compress(RAW)[:100] + b"x" * 100, "is broken gzip"),
        (gzip.compress(RAW) + b"x" * 100, "is broken gzip"),
        (an_avro_file(some_bookings(100))[:-9], "is broken Avro"),
        (b"Obj\x01" + b"x" * 100, "is broken Avro"),
    ],
)
def test_a_broken_file_is_told_with_its_name(packed, said):
    """The rest of the inputs goes on; what came before the damage stands."""
    with pytest.raises(UnreadableInput, match=f"^/logs/a {said}"):
        unpacked(packed)


@pytest.mark.parametrize("lines", [1, 7, 20])
def test_few_lines_before_the_damage_are_read_too(tmp_path, lines):
    """A short log lost them all: they were looked at to recognize it, and the damage came up at that."""
    file = tmp_path / "a.log.gz"
    before = b"".join(RAW.splitlines(keepends=True)[:lines])
    file.write_bytes(gzip.compress(before) + b"x" * 100)
    runs = Runs()
    [failed] = runs.run(tmp_path).failed
    assert failed.startswith(f"{file} is broken gzip")
    assert runs.lines == before.splitlines()
    assert runs.run(tmp_path).lines == 0
    file.write_bytes(gzip.compress(before + b"one more\n"))
    assert runs.run(tmp_path).lines == 1


def test_lines_before_the_damage_are_read_once(tmp_path):
    """The upload may still be under way: the next run goes on."""
    file = tmp_path / "a.log.gz"
    packed = gzip.compress(RAW)
    file.write_bytes(packed[: len(packed) // 2])
    runs = Runs()
    told = runs.run(tmp_path)
    assert (told.failed, 0 < told.lines < 30_000) == (
        [f"{file} is truncated gzip; expected a whole file"],
        True,
    )
    assert runs.run(tmp_path).lines == 0
    file.write_bytes(packed)
    assert runs.run(tmp_path).failed == []
    assert b"\n".join(runs.lines) + b"\n" == RAW


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_records_of_avro_become_objects(codec, pack):
    """As the bookings topic has them: dates as text, numbers with all their digits."""
    records = some_bookings(500)
    lines = unpacked(pack(an_avro_file(records, codec))).splitlines()
    assert [orjson.loads(line) for line in lines] == orjson.loads(orjson.dumps(records))
    assert orjson.loads(lines[0])["srch_ci"] == "2016-02-01"
    assert orjson.loads(lines[1])["hotel_id"] == 2**53 + 1


def test_avro_is_no_access_log():
    """Its records would be lines that nobody can parse."""
    with pytest.raises(UnreadableInput, match="is an Avro container; expected lines of text"):
        unpacked(an_avro_file(some_bookings(1)), may_be_records=False)


@pytest.mark.parametrize("mark", [b"", BOM_UTF8])
def test_a_json_array_is_refused(tmp_path, mark):
    """Line by line it would be dead letters and nothing else."""
    file = tmp_path / "a.json"
    file.write_bytes(
        mark + orjson.dumps(orjson.loads(orjson.dumps(some_bookings(9))), option=orjson.OPT_INDENT_2)
    )
    told = Runs("bookings").run(file)
    assert told.failed == [f"{file} begins as a JSON array; expected one object a line"]
    assert told.lines == 0


def test_lines_of_another_kind_are_stopped(tmp_path):
    """A wrong --as must not fill the dead letters: nothing is sent."""
    file = tmp_path / "access.log"
    file.write_bytes(RAW)
    runs = Runs("bookings")
    [failed] = runs.run(file).failed
    assert "expected lines for expedia, a ratio of at most 0.5 unusable. The first: not_json" in failed
    assert runs.dead == []


def a_line_without_end(size: int) -> Iterator[bytes]:
    """Yield so many bytes."""
    yield from itertools.repeat(b"x" * 65_536, size // 65_536)


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd", "avro"])
def test_memory_is_bounded_whatever_the_file(kind, tmp_path, monkeypatch):
    """A line without an end, bombs of a thousand times their size."""
    size = 300 << 20
    if kind == "plain":
        raw = a_line_without_end(size)
    elif kind == "gzip":
        packer = zlib.compressobj(9, wbits=31)
        raw = iter([b"".join(map(packer.compress, a_line_without_end(size))) + packer.flush()])
    elif kind == "zstd":
        squeezer = zstd.ZstdCompressor()
        raw = iter([b"".join(map(squeezer.compress, a_line_without_end(size))) + squeezer.flush()])
    else:
        raw = iter([an_avro_bomb(size)])
    source = Input(str(tmp_path / "bomb"), size, "1", is_finished=True, open=lambda: raw)
    monkeypatch.setattr("inputs.runs.files_at", lambda _: [source])
    runs = Runs("bookings")
    tracemalloc.start()
    told = runs.run("bomb")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 << 20
    assert [told.lines, len(runs.dead), len(told.failed)] == ([0, 0, 1] if kind == "avro" else [1, 1, 0])


def an_avro_bomb(size: int) -> bytes:
    """Return a container whose one block is that large once it is unpacked."""
    whole = an_avro_file([], "deflate")
    packer = zlib.compressobj(9, wbits=-15)
    block = b"".join(map(packer.compress, a_line_without_end(size))) + packer.flush()
    file = io.BytesIO()
    fastavro.schemaless_writer(file, "long", 1)
    fastavro.schemaless_writer(file, "bytes", block)
    return whole + file.getvalue() + whole[-16:]


def test_the_export_of_a_journal_is_lines_with_host_and_time():
    """Packed or not; a stream of JSON gets the messages alone."""
    entry = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=15\nMESSAGE=%s\n_HOSTNAME=web1\n\n"
    export = b"".join(entry % (LINE % number).rstrip() for number in range(3_000))
    logs = [orjson.loads(line) for line in unpacked(gzip.compress(export), may_be_records=False).splitlines()]
    assert {(one["_HOSTNAME"], one["__REALTIME_TIMESTAMP"]) for one in logs} == {("web1", "15")}
    lines = [(LINE % number).rstrip() for number in range(3_000)]
    assert [one["MESSAGE"].encode() for one in logs] == lines
    assert unpacked(export).splitlines() == lines
