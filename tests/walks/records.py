"""Records of Kafka: batches unpacked and read, and what the agents make of a record."""

import struct
from collections.abc import Callable
from contextlib import suppress

import cramjam
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from foreign_batches import foreign_batch, unnamed
from walks.walk import Make, Walk, repeated, tolerant, zstd

from dataflow.dead_letters.marks import Marks
from dataflow.engine.splice import Added, splice
from dataflow.kafka.checksums import ChecksummedRecords
from dataflow.kafka.packed_batch import Allowance, WholeBatch
from dataflow.kafka.unpacking import UNPACKING_ERRORS, unpack
from dataflow.stages.filter_document import read_document
from dataflow.stages.source_category import DEFAULT_UTM_SOURCES, read_utm_sources, source_enrichment
from dataflow.stages.stay_category import STAY_CATEGORY

MOST = 64 << 20
LZ4 = struct.pack("<IBBB", 0x184D2204, 0x60, 0x70, 0)


def unpacks(codec: int) -> Callable[[bytes], None]:
    """Return a walk over what is packed by a codec."""

    def run(raw: bytes) -> None:
        with suppress(*UNPACKING_ERRORS):
            unpack(codec, memoryview(raw), bytearray(), MOST)

    return run


def read(raw: bytes) -> None:
    """Read all records of a response."""
    records = ChecksummedRecords(raw)
    while (batch := records.next_batch()) is not None:
        records.is_intact(batch)
        list(WholeBatch(batch, records.raw_batch, 0, Allowance()))


def batches(records: int, headers: int = 0) -> Make:
    """Return a maker of record batches of so many records with so many headers each."""

    def make(size: int) -> bytes:
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 30)
        for number in range(records):
            builder.append(number, 0, None, b"a", [("a", b"b")] * headers)
        raw = bytes(builder.build())
        return raw * (size // len(raw))

    return make


_rules = read_document(
    b"""[{"fieldName": "a", "regex": ".*(a+)+$"}, {"name": "b", "drop": {"field": "a.b", "search": "x$"}},
    {"name": "c", "drop": {"field": "a", "decoded": true, "search": "(?i)b|(a|aa)+$"}},
    {"name": "d", "drop": {"field": "a", "above": 1}}]""",
    "rules",
)
_enrich = source_enrichment(read_utm_sources(DEFAULT_UTM_SOURCES.read_bytes(), "sources"))
VALUES = {
    "letters": repeated(b"a", b'{"a":"', b'"}'),
    "percents": repeated(b"%41", b'{"a":"', b'"}'),
    "digits": repeated(b"1", b'{"a":', b"}"),
    "digits of an exponent": repeated(b"1", b'{"a":1e', b"}"),
    "braces": repeated(b'{"a":', b"", b"1"),
    "spaces": repeated(b" ", b"{", b"}"),
    "fields": repeated(b'"a":1,', b"{", b'"a":1}'),
}
RECORDS = {
    "gzip": Walk(unpacks(1), {"streams": repeated(b"\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0")}),
    "snappy": Walk(
        unpacks(2),
        {
            "empty blocks": repeated(b"\0\0\0\1\0", b"\x82SNAPPY\0" + bytes(8)),
            "streams": repeated(b"\x82SNAPPY\0" + bytes(8)),
            "one": lambda size: bytes(cramjam.snappy.compress_raw(b"a" * size)),
        },
    ),
    "lz4": Walk(
        unpacks(3),
        {
            "plain bytes": repeated(b"\1\0\0\x80a", LZ4, bytes(4)),
            "tiny blocks": repeated(b"\2\0\0\0\x10a", LZ4, bytes(4)),
        },
    ),
    "zstd": Walk(unpacks(4), {"frames": lambda size: zstd.compress(b"") * (size // 9)}),
    "responses": Walk(
        read,
        {
            "a record each": batches(1),
            "many records": batches(1_000),
            "many headers": batches(1, 1_000),
            "headers without names": lambda size: foreign_batch([b"a"] * (size // 30), unnamed, timestamp=0),
        },
    ),
    "splice": Walk(tolerant(lambda raw: splice(raw, Added(b=1))), VALUES),
    "stay": Walk(tolerant(STAY_CATEGORY), VALUES),
    "page view": Walk(tolerant(_enrich), VALUES),
    "rules": Walk(tolerant(lambda raw: _rules.judge([raw])), VALUES),
    "a document of rules": Walk(
        tolerant(lambda raw: read_document(raw[: 1 << 20], "rules")),
        {
            "rules": lambda size: (
                b'[%b{"fieldName":"a","regex":""}]' % (b'{"fieldName":"a","regex":""},' * 999)
            ),
            "braces": repeated(b'{"not":', b'[{"drop":'),
            "a long name": repeated(b"a.", b'[{"regex":"","fieldName":"', b'a"}]'),
            "outputs": repeated(b"a", b'{"outputs":[{"name":"a","topic":"', b'","rules":[]}]}'),
            "a long pattern": repeated(b"a?", b'[{"fieldName":"a","regex":"', b'"}]'),
        },
    ),
    "UTM sources": Walk(
        tolerant(lambda raw: read_utm_sources(raw, "sources")),
        {
            "names": lambda n: b"{%b}" % b",".join(b'"%d":"a"' % each for each in range(n // 10)),
            "spaces": repeated(b" ", b'{"', b'":"a"}'),
        },
    ),
    "marks": Walk(
        lambda raw: Marks().put(raw, raw), {"digits": repeated(b"1"), "digits/": repeated(b"1", b"1/")}
    ),
}
