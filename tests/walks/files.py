"""Files and objects: unpacked, whatever their packing, up to their lines."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterable

import fastavro
from walks.walk import Walk, all_of, in_pieces, repeated, zstd

from dataflow.inputs.content import ContentReader
from dataflow.inputs.input import PIECE_BYTES
from dataflow.inputs.input_matcher import _agree
from dataflow.inputs.unpacker import Unpacker

PART = b"2020-02-07T11:48:51.123456789Z stdout P a\n"
DOCKER_BEGIN, DOCKER_END = b'{"log":"', b'\\n","stream":"stdout","time":"2020-02-07T11:48:51.123456789Z"}\n'
DOCKER = DOCKER_END[2:] + DOCKER_BEGIN


def unpacked(raw: bytes) -> Iterable[object]:
    """Unpack a file, and read its lines."""
    unpacker = Unpacker(may_be_records=True, are_lines_json=False)
    pieces = unpacker.unpacked("/log", iter(list(in_pieces(raw, PIECE_BYTES))))
    return ContentReader(filter(None, pieces)).complete_lines(1 << 20)


def tar(size: int, bytes_each: int = 0, name: str = "a") -> bytes:
    """Return a tar of many files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = bytes_each
        while packed.tell() < size:
            archive.addfile(member, io.BytesIO(b"a" * bytes_each))
    return packed.getvalue()


def pax(size: int) -> bytes:
    """Return a tar whose header has very many words."""
    member = tarfile.TarInfo("a")
    member.pax_headers = {f"a{number}": "b" for number in range(size // 20)}
    return member.tobuf(tarfile.PAX_FORMAT) + bytes(1_024)


def zipped(size: int, *, is_cut: bool = False, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of many files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(size // 100):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"a", method)
    raw = packed.getvalue()
    return raw[: raw.find(b"PK\x01\x02")] if is_cut else raw


def avro(size: int, records: int = 0) -> bytes:
    """Return a container of many blocks, with as many records each."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    packed = io.BytesIO()
    fastavro.writer(packed, schema, [])
    head = packed.getvalue()
    block = bytes([2 * records, 2 * records]) + bytes(records) + head[-16:]
    return head + block * (size // len(block))


def passed(raw: bytes) -> None:
    """Find where to go on in a content, and compare it with itself in other pieces."""
    reader = ContentReader(iter(list(in_pieces(raw, 7))))
    reader.peek()
    reader.pass_to(len(raw) // 2)
    reader.pass_to_end()
    assert _agree(iter(list(in_pieces(raw, 64))), iter(list(in_pieces(raw, PIECE_BYTES))))


FILES = {
    "known content": Walk(passed, {"letters": repeated(b"a")}),
    "text": Walk(
        all_of(unpacked),
        {
            "a long line": repeated(b"a"),
            "line feeds": repeated(b"\n"),
            "holes": repeated(b"\0\n", b"a" * (64 << 10)),
            "UTF-16": repeated(b"a\0", b"\xff\xfe"),
            "parts of a line": repeated(PART, b"", PART.replace(b" P ", b" F ")),
            "a part without an end": repeated(b"a", PART[:-1]),
            "Docker's parts": repeated(b"a" * 16_000 + DOCKER, DOCKER_BEGIN, b"a" * 16_000 + DOCKER_END),
            "a journal": repeated(b"MESSAGE=a\n\n", b"__CURSOR=a\n"),
        },
    ),
    "streams": Walk(
        all_of(unpacked),
        {
            "gzip of a byte each": lambda size: gzip.compress(b"a") * (size // 21),
            "gzip of a byte each in a tar": lambda size: gzip.compress(tar(size, 1)),
            "bzip2 of a byte each": lambda size: bz2.compress(b"a") * (size // 37),
            "xz of a byte each": lambda size: lzma.compress(b"a") * (size // 60),
            "zstd of a byte each": lambda size: zstd.compress(b"a") * (size // 10),
            "damage": lambda size: gzip.compress(b"a" * size, 0)[:-8] + b"\xff" * 8,
            "damage behind zeros": lambda size: gzip.compress(bytes(size << 5))[:-8] + b"\xff" * 8,
            "padding": lambda size: gzip.compress(b"a" * 1_000) + bytes(size),
        },
    ),
    "archives": Walk(
        all_of(unpacked),
        {
            "tar of empty files": tar,
            "tar of small files": lambda size: tar(size, 100),
            "tar of long names": lambda size: tar(size, 0, "a" * 60_000),
            "tar of many words": pax,
            "zip": zipped,
            "zip that is cut": lambda size: zipped(size, is_cut=True),
            "packed zip that is cut": lambda size: zipped(size, is_cut=True, method=zipfile.ZIP_DEFLATED),
        },
    ),
    "Avro": Walk(all_of(unpacked), {"empty blocks": avro, "small blocks": lambda size: avro(size, 10)}),
}
