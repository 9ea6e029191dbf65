"""Record batches of foreign clients: events in; batches with what aiokafka never writes, out."""

import struct
from collections.abc import Callable, Mapping, Sequence

import cramjam
from aiokafka import AIOKafkaProducer
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from crc32c import crc32c

COUNTED_FROM, CRC_AT, CHECKED_FROM, ATTRIBUTES_AT, HEADER_BYTES = 12, 17, 21, 22, 61  # in a record batch
PACK = {1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}
NAME = b"12345678"
"""Name of the header of each record, whose bytes are changed."""
LATIN = b"gr\xfc\xdfe\xff\xc3("
"""No UTF-8, as long as `NAME`."""
LATIN_READ = "gr\\xfc\\xdfe\\xff\\xc3("
"""How its name is read: nothing of it is lost, and it can be written."""

Change = Callable[[bytearray], bytearray]
Pack = Callable[[bytes], bytes]


def in_two(codec: int) -> Pack:
    """Return what packs the first half of the records as one stream, and the rest as another."""
    pack = PACK[codec]
    return lambda plain: pack(plain[: len(plain) // 2]) + pack(plain[len(plain) // 2 :])


def lz4_with_wrong_checksum(plain: bytes) -> bytes:
    """Pack as one frame that says a wrong checksum of its content; Kafka does not look at it."""
    compressor = cramjam.lz4.Compressor(level=1, content_checksum=True, block_linked=False)
    compressor.compress(plain)
    packed = bytes(compressor.finish())
    return packed[:-1] + bytes([packed[-1] ^ 0xFF])


ODDLY_PACKED: Mapping[str, tuple[int, Pack]] = {
    "two gzip members": (1, in_two(1)),
    "gzip and what is none": (1, lambda plain: gzip_encode(plain) + b"no gzip, but taken by Java, " * 2),
    "bare snappy": (2, lambda plain: snappy_encode(plain, xerial_compatible=False)),
    "small snappy blocks": (2, lambda plain: snappy_encode(plain, xerial_blocksize=7)),
    "two snappy streams": (2, in_two(2)),
    "snappy and a stray byte": (2, lambda plain: snappy_encode(plain) + b"\0"),
    "lz4 with a wrong checksum": (3, lz4_with_wrong_checksum),
    "lz4 and what is none": (3, lambda plain: lz4_encode(plain) + b"stray"),
    "two zstd frames": (4, in_two(4)),
    "a zstd frame to be skipped": (4, lambda plain: b"\x50\x2a\x4d\x18\3\0\0\0abc" + zstd_encode(plain)),
}
"""Batches of which each broker takes the records, by codec and by what packs them."""


def renamed(raw: bytearray) -> bytearray:
    """Give the headers a name that is not UTF-8."""
    return raw.replace(NAME, LATIN)


def unnamed(raw: bytearray) -> bytearray:
    """Give the headers null for a name: a length of -1."""
    return raw.replace(bytes([2 * len(NAME)]) + NAME, b"\x01" + NAME)


def negative_count(raw: bytearray) -> bytearray:
    """Say that each record has -1 headers."""
    return raw.replace(b"\x02" + bytes([2 * len(NAME)]) + NAME, b"\x01" + bytes([2 * len(NAME)]) + NAME)


def with_attributes(raw: bytearray) -> bytearray:
    """Set all bits of the attributes of the first record, which mean nothing yet."""
    at = HEADER_BYTES
    while raw[at] & 0x80:  # its length, as a varint
        at += 1
    raw[at + 1] = 0xFF
    return raw


def foreign_batch(
    values: Sequence[bytes | None],
    change: Change,
    *,
    timestamp: int,
    first: int = 0,
    codec: int = 0,
    pack: Pack | None = None,
) -> bytes:
    """Return a batch of records with one header each, changed, then packed by `pack` or as aiokafka does."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 30)
    for n, value in enumerate(values):
        builder.append(n, timestamp, b"%d" % n, value, [(NAME.decode(), b"1")])
    raw = change(bytearray(builder.build()))
    if codec:
        raw[HEADER_BYTES:] = (pack or PACK[codec])(bytes(raw[HEADER_BYTES:]))
    raw[ATTRIBUTES_AT] |= codec
    struct.pack_into(">qi", raw, 0, first, len(raw) - COUNTED_FROM)
    struct.pack_into(">I", raw, CRC_AT, crc32c(bytes(raw[CHECKED_FROM:])))
    return bytes(raw)


async def send_foreign(
    address: str,
    topic: str,
    values: Sequence[bytes | None],
    change: Change = bytearray,
    *,
    timestamp: int,
    codec: int = 0,
    pack: Pack | None = None,
) -> None:
    """Write a changed batch to the first partition; raise what the broker says."""
    batch = BatchBuilder(1 << 20, 0)
    batch._buffer = foreign_batch(values, change, timestamp=timestamp, codec=codec, pack=pack)
    batch._relative_offset = len(values)
    batch.close()
    async with AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=False) as producer:
        await (await producer.send_batch(batch, topic, partition=0))
