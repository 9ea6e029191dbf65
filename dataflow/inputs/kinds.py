"""Kinds: what an input is by its first bytes, whatever it is called."""

from typing import Final

STREAMS: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
"""Compressed streams that are read."""

ARCHIVES: Final = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}
RECORDS: Final = {b"Obj\x01": "avro", b"PAR1": "parquet"}

UNREAD: Final = {
    b"\x04\x22\x4d\x18": "packed with lz4",
    b"\xff\x06\x00\x00sNaPpY": "packed with snappy",
    b"\x1f\x9d": "packed with compress",
    b"LZIP": "packed with lzip",
    b"\x5d\x00\x00": "packed with lzma",
    b"\x89LZO": "packed with lzop",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"!<arch>\n": "an ar archive",
    b"ORC": "an ORC file",
    b"SEQ\x06": "a Hadoop sequence file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\x00": "a SQLite database",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
    b"LPKSHHRH": "a journal of systemd (`journalctl -o cat` or `-o export` makes lines of it)",
    b"\xd4\xc3\xb2\xa1": "a packet capture",
    b"\x0a\x0d\x0d\x0a": "a packet capture",
}
"""What is told by its name; all else that is no text is told as that."""

SUFFIXES: Final = {".br": "packed with brotli", ".sz": "packed with snappy", ".lzo": "packed with lzop"}
"""Names of what the first bytes do not tell."""

MAGIC_BYTES: Final = 264
"""So many bytes tell the kind; of a tar they end with its magic."""

_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Of a zstd frame, behind a byte whose upper half is 5."""

TAR_MAGIC_AT: Final = 257


def kind_of(head: bytes) -> str | None:
    """Return the name of the packing, archive or record format that is read; None for anything else."""
    for magic, kind in (STREAMS | ARCHIVES | RECORDS).items():
        if head.startswith(magic):
            return kind
    if head[1:4] == _SKIPPABLE and head[0] >> 4 == 5:
        return "zstd"
    return "tar" if head[TAR_MAGIC_AT:].startswith(b"ustar") else None


def unread_kind_of(path: str, head: bytes) -> str | None:
    """Return what an input is that is not read; None if nothing tells it."""
    for magic, kind in UNREAD.items():
        if head.startswith(magic):
            return kind
    return next((kind for suffix, kind in SUFFIXES.items() if path.endswith(suffix)), None)
