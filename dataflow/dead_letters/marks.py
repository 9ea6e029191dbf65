"""Marks: which dead letters were replayed, as topic ``dead-letters-replayed`` keeps it; pure.

A mark names the letters of one partition that one transaction has replayed, so that a million
letters need some thousand marks. Letters and mark are committed together or not at all.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

import msgspec

Range = tuple[int, int]  # first and last offset

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Annotated[list[Range], msgspec.Meta(min_length=1)]).decode
_is_ours = re.compile(rb"[0-9]{1,9}/[0-9]{1,18}").fullmatch
"""Whether a key is that of a mark; what somebody else has written says nothing of our letters."""


def mark_of(partition: int, offsets: Collection[int]) -> tuple[bytes, bytes]:
    """Return key and value of the mark of some letters; marks share no letter, so they share no key."""
    ranges: list[Range] = []
    for offset in sorted(offsets):
        if ranges and ranges[-1][1] == offset - 1:
            ranges[-1] = ranges[-1][0], offset
        else:
            ranges.append((offset, offset))
    return b"%d/%d" % (partition, ranges[0][0]), _encode(ranges)


class Marks:
    """All marks of the topic."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, list[Range]] = {}
        self._ranges: dict[int, list[Range]] | None = None
        self._of_others = set[bytes]()

    def put(self, key: bytes, value: bytes | None, *, is_of_another: bool = False) -> None:
        """Apply a record of the topic; one of another topic of dead letters names none of these letters.

        Raises one of `UNREADABLE` for a mark that cannot be read.
        """
        self._ranges = None
        self._by_key.pop(key, None)
        self._of_others.discard(key)
        if value is None or not _is_ours(key):
            return
        if is_of_another:
            self._of_others.add(key)
        else:
            self._by_key[key] = _decode(value)

    def has(self, partition: int, offset: int) -> bool:
        """Tell whether a letter was replayed."""
        ranges = self._sorted().get(partition, [])
        at = bisect_right(ranges, offset, key=lambda first_and_last: first_and_last[0])
        return at > 0 and ranges[at - 1][1] >= offset

    def outdated(self, begins: Mapping[int, int]) -> Iterator[bytes]:
        """Yield the keys of marks whose letters are all deleted; `begins` has the first offsets."""
        yield from self._of_others
        for key, ranges in self._by_key.items():
            if ranges[-1][1] < begins.get(_partition(key), 0):
                yield key

    def beyond(self, ends: Mapping[int, int]) -> bool:
        """Tell whether there are marks beyond the end offsets: then the topic was deleted and re-created."""
        return any(ranges[-1][1] >= ends.get(_partition(key), 0) for key, ranges in self._by_key.items())

    def _sorted(self) -> dict[int, list[Range]]:
        if self._ranges is None:
            self._ranges = {}
            for key, ranges in self._by_key.items():
                self._ranges.setdefault(_partition(key), []).extend(ranges)
            for of_partition in self._ranges.values():
                of_partition.sort()
        return self._ranges


def _partition(key: bytes) -> int:
    return int(key.partition(b"/")[0])
