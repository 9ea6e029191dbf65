"""What answers in place of S3, and what somebody else has put into the bucket: neither ends a worker."""

from io import BytesIO
from pathlib import Path

import pytest

from dataflow.errors import SinkUnavailable
from dataflow.kafka.types import TopicPartition
from dataflow.sinks.s3.block import Block
from dataflow.sinks.s3.cuts import CutRules, ObjectLine
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.object_writer import Archive, ObjectWriter
from dataflow.sinks.s3.store import UNCONDITIONAL, Store
from dataflow.sinks.s3.store_errors import PreconditionFailed

TP = TopicPartition("t", 0)


class Proxy:
    """Answers everything with 200, and with nothing."""

    async def put_object(self, **_: object) -> dict[str, object]:
        """Answer."""
        return {}

    async def head_object(self, **_: object) -> dict[str, object]:
        """Answer."""
        return {"ETag": "1"}


class OccupiedStore(Store):
    """Has an object under each key, about which is written what `metadata` says."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self.metadata = metadata
        self.put_over: list[object] = []

    async def put(self, *about: object) -> str:
        """Replace the object, if that one is meant."""
        condition = about[-1]
        if condition != {"IfMatch": "theirs"}:
            raise PreconditionFailed
        self.put_over.append(condition)
        return "ours"

    async def stat(self, key: str) -> tuple[str, dict[str, str]]:
        """Return what is there."""
        return "theirs", self.metadata


async def test_what_answers_and_is_no_s3_is_an_outage():
    """A page for maintenance has status 200, and no ETag: it ended the worker."""
    store = Store(Proxy(), "bucket", {})
    with pytest.raises(SinkUnavailable, match="S3: answer has no 'ETag'; expected a server of S3 there"):
        await store.put("key", BytesIO(b"x"), "text/plain", {}, UNCONDITIONAL)
    with pytest.raises(SinkUnavailable, match="S3: answer has no 'Metadata'"):
        await store.stat("key")


@pytest.mark.parametrize(
    ("written", "is_replaced"),
    [("3", True), ("7", False), ("8", False), ("", True), ("x", True), ("\u0667", True), ("9" * 5_000, True)],
)
async def test_an_object_is_replaced_unless_it_says_that_it_reaches_as_far(
    tmp_path: Path, written: str, is_replaced: bool
):
    """One that somebody else has put there, and that said `x`, ended the worker at each flush."""
    line = ObjectLine(7, 0, 0, b"{}\n")
    block = Block(CutRules(), line, tmp_path, TP)
    block.take([line])
    store = OccupiedStore({"last-offset": written})
    await ObjectWriter(store, Archive("", GzipNdjson(), CutRules(), tmp_path)).flush(TP, block)
    assert bool(store.put_over) is is_replaced
    block.discard()
