"""Kinds of files: whatever people have is read, or refused by its name; nothing else is sent as lines."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import cramjam
import pyarrow as pa
import pytest
from inputs.runs import Runs
from pyarrow import orc, parquet

from dataflow.inputs.content import InputContent
from dataflow.inputs.input import Input, UnreadableInput

LINE = b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /%02d HTTP/1.1" 200 5\n'
RAW = b"".join(LINE % number for number in range(40))
NOISE = random.Random(1).randbytes(100_000)


def read(
    raw: bytes, path: str = "/logs/a", size: int = 700, *, may_be_records: bool = True
) -> tuple[bytes, str]:
    """Return what is read of a file, and why not more; it comes in pieces of this size."""
    source = Input(path, len(raw), "1", is_finished=True, open=lambda: _cut(raw, size))
    content, fault = b"", ""
    try:
        for piece in InputContent(source, may_be_records=may_be_records).pieces():
            content += piece
    except UnreadableInput as error:
        fault = str(error)
    return content, fault


def _cut(raw: bytes, size: int):
    return (raw[at : at + size] for at in range(0, len(raw), size))


def a_tar(mode: str = "w", **files: bytes) -> bytes:
    """Return an archive of these files, and of a link and a folder."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode=mode) as archive:
        for name, kind in (("folder", tarfile.DIRTYPE), ("link", tarfile.SYMTYPE)):
            other = tarfile.TarInfo(name)
            other.type = kind
            archive.addfile(other)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def a_zip(**files: bytes) -> bytes:
    """Return an archive of these files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


@pytest.mark.parametrize("size", [1, 700, 10**9])
@pytest.mark.parametrize(
    "packed",
    [
        bz2.compress(RAW),
        bz2.compress(RAW[:500]) + bz2.compress(RAW[500:]),
        lzma.compress(RAW),
        gzip.compress(gzip.compress(RAW)),
        a_tar(a=RAW),
        a_tar("w:gz", a=RAW[:134], b=RAW[134:-1]),
        a_tar("w:xz", a=gzip.compress(RAW)),
        a_zip(a=RAW[:134], b=gzip.compress(RAW[134:])),
        a_zip(a=a_tar("w:bz2", a=RAW)),
        RAW.decode().encode("utf-16"),
        RAW.decode().encode("utf-16-be"),
        b"\xff\xfe\0\0" + RAW.decode().encode("utf-32-le"),
    ],
)
def test_whatever_it_is_packed_in_the_lines_are_the_same(packed, size):
    """They were sent as they were: 58,929 lines of rubbish, with exit code 0."""
    content, fault = read(packed, size=size)
    assert (content.rstrip(b"\n") + b"\n", fault) == (RAW, "")


def an_orc_file() -> bytes:
    """Return a small one."""
    whole = io.BytesIO()
    orc.write_table(pa.table({"id": [1, 2]}), whole)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("raw", "path", "kind"),
    [
        (bytes(cramjam.lz4.compress(RAW)), "/logs/a.lz4", "packed with lz4"),
        (bytes(cramjam.snappy.compress(RAW)), "/logs/a", "packed with snappy"),
        (bytes(cramjam.brotli.compress(NOISE)), "/logs/access.log.2.br", "packed with brotli"),
        (bytes(cramjam.lz4.compress(LINE % 1)), "/logs/a", "packed with lz4"),
        (bytes(cramjam.snappy.compress(LINE % 1)), "/logs/a", "packed with snappy"),
        (bytes(cramjam.brotli.compress(LINE % 1 + LINE % 2)), "/logs/a.br", "packed with brotli"),
        (b"\x1f\x9d" + NOISE, "/logs/a.Z", "packed with compress"),
        (b"7z\xbc\xaf\x27\x1c" + NOISE, "/logs/a", "a 7z archive"),
        (an_orc_file() + NOISE, "/logs/a", "an ORC file"),
        (b"SQLite format 3\0" + NOISE, "/logs/a", "a SQLite database"),
        (NOISE, "/logs/a", "no text"),
        (NOISE[:300], "/logs/a", "no text"),
        (gzip.compress(NOISE), "/logs/a.gz", "no text"),
    ],
)
def test_what_is_not_read_is_refused_by_its_name(raw, path, kind):
    """Nothing of it is a line."""
    content, fault = read(raw, path)
    expected = f"{path} is {kind}; expected lines of text, plain or in gzip, zstd, bzip2, xz, tar or zip"
    assert (content, fault) == (b"", expected)


def a_parquet_file() -> bytes:
    """Return rows of all kinds."""
    whole = io.BytesIO()
    rows = {"id": [1, 2], "at": [datetime(2016, 1, 31, tzinfo=UTC), None], "price": [Decimal("1.50"), None]}
    parquet.write_table(pa.table(rows), whole)
    return whole.getvalue()


def test_rows_of_parquet_become_objects():
    """As records of Avro do."""
    content, fault = read(a_parquet_file())
    assert fault == ""
    assert content.splitlines() == [
        b'{"id":1,"at":"2016-01-31T00:00:00+00:00","price":"1.50"}',
        b'{"id":2,"at":null,"price":null}',
    ]
    assert (
        read(a_parquet_file(), may_be_records=False)[1] == "/logs/a is a Parquet file; expected lines of text"
    )
    assert read(a_parquet_file()[:-9])[1].startswith("/logs/a is broken Parquet")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bz2", "xz"])
def test_a_damaged_file_gives_all_lines_before_the_damage(pack):
    """However short it is: the codec had unpacked them, and its error took them away."""
    packed = pack(RAW)
    content, fault = read(packed[:-6] + b"damage")
    assert RAW.startswith(content)
    assert content.count(b"\n") >= 39
    assert "/logs/a is broken" in fault
    assert read(packed[:-1]) == (
        RAW,
        fault.partition(" is ")[0] + f" is truncated {fault.split()[3]}; expected a whole file",
    )


@pytest.mark.parametrize("cut", [1, 9, 90])
def test_a_damaged_file_is_told_by_a_run(tmp_path, cut):
    """However short: the end of what could be read is not the end of the file."""
    file = tmp_path / "a.log.gz"
    file.write_bytes(gzip.compress(RAW)[:-cut])
    runs = Runs()
    assert runs.run(file).failed == [f"{file} is truncated gzip; expected a whole file"]
    assert RAW.startswith(b"\n".join(runs.lines))


def test_text_of_two_bytes_a_character_is_read_to_its_end(tmp_path):
    """A piece that ends within a character gives none."""
    file = tmp_path / "a.log"
    file.write_bytes(RAW.decode().encode("utf-16"))
    runs = Runs()
    [source] = [Input(str(file), 1, "1", is_finished=True, open=lambda: _cut(file.read_bytes(), 1))]
    assert b"".join(InputContent(source, may_be_records=False).pieces()) == RAW
    assert runs.run(file).lines == 40


def test_the_files_of_an_archive_stand_for_themselves():
    """One that is damaged or no text is told, and the others are read."""
    content, fault = read(a_zip(a=RAW[:67], picture=NOISE, b=RAW[67:]))
    assert content == RAW
    assert fault.startswith("/logs/a!picture is no text")
    content, fault = read(a_tar(a=RAW)[:1_800])
    assert RAW.startswith(content)
    assert content
    assert fault.startswith("/logs/a is broken tar")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("size", [700, 10**9])
def test_a_zip_without_its_end_gives_what_came_before(method, size):
    """Its index stands there: all was lost, however much of it had come."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, content in (("a", RAW), ("picture", NOISE), ("b", RAW)):
            archive.writestr(name, content)
    packed = whole.getvalue()
    before = 0
    for end in (20, 40, 120, 400, len(packed) // 2, len(packed) - 250, len(packed) - 30):
        content, fault = read(packed[:end], size=size)
        assert (RAW + RAW).startswith(content)
        assert len(content) >= before
        assert "truncated zip" in fault or "zip with a broken index" in fault or "no text" in fault
        before = len(content)
    assert content == RAW + RAW


def test_a_zip_that_was_written_to_a_pipe_may_be_cut():
    """The size of a file stands behind it then."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, piece) -> int:
            self.written += bytes(piece)
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", RAW[:67])
        archive.writestr("b", RAW[67:])
    assert read(pipe.written)[0] == RAW
    assert read(pipe.written[:-40]) == (RAW, "/logs/a is a zip with a broken index; expected a whole archive")


@pytest.mark.parametrize("size", [700, 100_000])
@pytest.mark.parametrize("padding", [b"", b"\0" * 512, b"\0" * 30_720])
def test_tars_one_after_another_are_read_as_one(size, padding):
    """`cat a.tar b.tar`: the second one was left out without a word."""
    tars = [a_tar(a=b"1\n2\n"), a_tar(b=RAW), a_tar(c=b"3\n")]
    assert read(padding.join(tars) + padding, size=size) == (b"1\n2\n" + RAW + b"3\n", "")
    packed = b"".join(map(gzip.compress, tars))
    assert read(packed, size=size) == (b"1\n2\n" + RAW + b"3\n", "")


@pytest.mark.parametrize(
    "behind",
    [b"3\n", gzip.compress(b"3\n"), b"PK\x03\x04" + bytes(500) + b"x"],
    ids=["line", "gzip", "zip"],
)
@pytest.mark.parametrize("archive", ["tar", "zip"])
def test_what_stands_behind_an_archive_is_told(archive, behind):
    """The files of the archive are read, and the run ends with 1: something was not."""
    raw = a_tar(a=b"1\n") if archive == "tar" else a_zip(a=b"1\n")
    content, fault = read(raw + behind)
    assert content == b"1\n"
    assert (
        fault
        == f"/logs/a is broken {archive} (bytes behind its end are no {archive}); expected a whole archive"
    )


def test_a_zip_may_have_a_comment_and_padding():
    """Both stand behind the index, and are no files."""
    whole = io.BytesIO(a_zip(a=b"1\n"))
    with zipfile.ZipFile(whole, "a") as archive:
        archive.comment = b"logs of May"
    assert read(whole.getvalue() + b"\0" * 512) == (b"1\n", "")


def test_zips_one_after_another_are_refused_as_that():
    """Only the last one would be read: its index is the one at the end."""
    raw = a_zip(a=b"1\n") + a_zip(b=b"2\n")
    assert read(raw) == (b"", "/logs/a is several zips one after another; expected one")


@pytest.mark.parametrize("damage", [b"x" * 512, a_tar(b=b"2\n")[:300]])
def test_a_tar_with_a_broken_header_is_told(damage):
    """The module tarfile takes it for the end, so what is behind it would be lost without a word."""
    begin = a_tar(a=b"1\n")[: 4 * tarfile.BLOCKSIZE]
    content, fault = read(begin + damage)
    assert content == b"1\n"
    assert fault.startswith("/logs/a is broken tar (")


def test_an_encrypted_zip_is_refused_as_that():
    """It was a broken one, with the representation of an object of Python."""
    packed = bytearray(a_zip(a=RAW))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    assert read(bytes(packed)) == (b"", "/logs/a is an encrypted zip; expected one without a password")


def test_packings_in_packings_end():
    """A file can hold itself."""
    packed = RAW
    for _ in range(5):
        packed = gzip.compress(packed)
    assert "is packed more than 4 times" in read(packed)[1]


def test_a_header_that_fills_the_memory_is_refused():
    """A tar has names of any length; of a bomb only some bytes are read."""
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    content, fault = read(long_name.tobuf() + b"x" * (8 << 20), size=65_536)
    assert content == b""
    assert "is broken tar (a header has more than" in fault


def test_a_hole_in_front_of_a_line_is_text():
    """`copytruncate` leaves one as long as the log was."""
    hole = b"\0" * 200_000
    assert read(hole + RAW) == (hole + RAW, "")


def test_a_hole_in_the_middle_of_a_line_costs_that_line_alone():
    """A crash leaves blocks that were not written; the whole file was refused as no text."""
    raw = LINE % 1 + (LINE % 2)[:20] + bytes(4096) + (LINE % 3) + LINE % 4
    assert read(raw) == (raw, "")


def test_a_sparse_file_in_a_tar_is_read_without_its_holes():
    """`copytruncate` makes a log sparse, and `tar --sparse` stores it so; it was skipped without a word."""
    lines = LINE % 1 + LINE % 2
    stored = (b"2\n1048576\n%d\n2097152\n0\n" % len(lines)).ljust(512, b"\0") + lines
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as archive:
        sparse = {"major": "1", "minor": "0", "realsize": "2097152"}
        for header, content in ((sparse, stored), ({}, LINE % 3)):
            member = tarfile.TarInfo("a.log")
            member.size = len(content)
            member.pax_headers = {f"GNU.sparse.{key}": value for key, value in header.items()}
            archive.addfile(member, io.BytesIO(content))
    assert read(whole.getvalue()) == (lines + LINE % 3, "")


def test_lines_that_are_all_unusable_are_not_sent(tmp_path):
    """A CSV file under the wrong name: it was dead letters, and the exit code 0."""
    file = tmp_path / "a.csv"
    file.write_text("id,name\n" + "".join(f"{number},x\n" for number in range(150)))
    for stream in ("access-logs", "bookings"):
        runs = Runs(stream)
        [failed] = runs.run(file).failed
        assert "unusable lines in 151; expected lines for" in failed
        assert (runs.lines, runs.dead) == ([], [])


@pytest.mark.parametrize("place", ["-", "/dev/stdin", "/dev/fd/0"])
def test_standard_input_is_a_file_as_any_other(place):
    """`zcat a.gz | dataflow ingest /dev/stdin`; a second run takes only what is new."""
    runs = Runs()
    before = os.dup(0)
    try:
        for lines, new in ((RAW[:670], 10), (RAW, 30)):
            out, into = os.pipe()
            os.write(into, gzip.compress(lines))
            os.close(into)
            os.dup2(out, 0)
            os.close(out)
            assert runs.run(place).lines == new
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert b"\n".join(runs.lines) + b"\n" == RAW


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda raw: b"\xff\xfe" + raw.decode().encode("utf-16-le")]
)
@pytest.mark.parametrize("begin", [b'{"records":[\n', b"\xef\xbb\xbf[", b"\n[ "])
def test_an_array_of_log_entries_is_read_for_a_stream_of_text(pack, begin):
    """Azure's storage and the commands of clouds write one; for a stream of JSON it is no line."""
    raw = pack(begin + b'{"a":1}\n,{"a":\n{}}]}\n')
    assert read(raw, may_be_records=False) == (b'{"a":1}\n{"a": {}}\n', "")
    assert read(raw)[0].count(b"\n") > 2
