"""Disk upkeep: deletes what no local store can use again, so that the disk does not fill in the end."""

import os
import time
from collections import deque
from collections.abc import Collection
from pathlib import Path
from time import monotonic
from typing import Final

from msgspec import msgpack

from dataflow.engine.disk_records import DiskRecords, remove
from dataflow.engine.stored_partition import REUSABLE_MS, Reflected
from dataflow.errors import UNREADABLE
from dataflow.file_locks import try_lock
from dataflow.instants import now_ms
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

LOOK_SECONDS: Final = 3_600.0
RECORDS_AT_ONCE: Final = 200
"""So many are deleted at once, in a millisecond or two."""


class UnusedPartitions:
    """Changelog partitions that this worker has not had for so long that it would read them anew.

    Their records go bit by bit; the file stays as large, and takes what comes.
    """

    def __init__(self, disk: DiskRecords) -> None:
        self._disk = disk
        self._looked_at = monotonic()  # who has just started has none of its partitions yet
        self._deleting: deque[tuple[int, TopicPartition]] = deque()

    def delete_some(self, used: Collection[TopicPartition]) -> None:
        """Delete a part of what is not used; look once an hour for more."""
        if not self._deleting and monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = monotonic()
            self._deleting.extend(
                (number, TopicPartition(topic, partition))
                for number, topic, partition, note in self._disk.partitions()
                if (topic, partition) not in used and _is_old(note)
            )
        if self._deleting:
            number, tp = self._deleting[0]
            if tp in used or not self._disk.delete_some(number, RECORDS_AT_ONCE):
                self._deleting.popleft()


def remove_abandoned(folder: Path, own: Path) -> None:
    """Remove the files of workers that had other addresses, if they are too old to be used again."""
    for path in folder.glob("*.sqlite"):
        try:
            if path != own and time.time() - path.stat().st_mtime >= REUSABLE_MS / 1000:
                _remove_unless_locked(path)
        except OSError as error:  # another worker has just removed it, or it is another user's
            log.info("What another worker has left is not removed.", path=path, reason=error)


def _remove_unless_locked(path: Path) -> None:
    lock = try_lock(path.with_suffix(".lock"))
    if lock is None:
        return
    try:
        log.info("Removing what another worker has left.", path=path)
        remove(path)
        path.with_suffix(".lock").unlink()
    finally:
        os.close(lock)


def _is_old(note: bytes | None) -> bool:
    """Tell whether what is on disk with this note is of no use."""
    try:
        return note is None or now_ms() - msgpack.decode(note, type=Reflected).at_ms > REUSABLE_MS
    except UNREADABLE:  # damaged
        return True
