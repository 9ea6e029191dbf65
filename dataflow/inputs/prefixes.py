"""Prefixes: short hashes of how a content begins, which tell contents with the same long header apart."""

from hashlib import sha256
from typing import Final

_LENGTHS: Final = (1_536, 2_048, 3_072, 4_096, 6_144, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536)
LONGEST_PREFIX: Final = _LENGTHS[-1]

_HASH_BYTES: Final = 8
MOST_PREFIXES: Final = _HASH_BYTES * len(_LENGTHS)
"""So many bytes are the hashes of all of them."""


def prefixes_of(begin: bytes) -> bytes:
    """Return the hashes of the prefixes of a begin, one behind another; none of less than 1,536 bytes."""
    hashed, hashes, at = sha256(), b"", 0
    for length in (length for length in _LENGTHS if length <= len(begin)):
        hashed.update(begin[at:length])
        hashes += hashed.digest()[:_HASH_BYTES]
        at = length
    return hashes


def may_be_alike(ours: bytes, theirs: bytes) -> bool:
    """Tell whether two contents may have the same begin, as far as the prefixes of both go."""
    both = min(len(ours), len(theirs))
    return ours[:both] == theirs[:both]
