"""The input of job K: events of one hour with so many keys, each as often as the others."""

import json
from collections.abc import Iterator

HOUR_START = 1_431_856_800
KEY_STEP = 7_919  # a prime: keys come in no order


def keyed_events(keys: int, events: int) -> Iterator[bytes]:
    """Yield so many events, a thousand of them a second in the time that they tell."""
    for number in range(events):
        second = number // 1_000 % 3_600
        at = f"2015-05-17T10:{second // 60:02}:{second % 60:02}Z"
        yield json.dumps({"key": key_of(keys, number), "at": at}).encode()


def key_of(keys: int, number: int) -> str:
    """Return the key of an event."""
    return f"key-{number * KEY_STEP % keys:07}"
