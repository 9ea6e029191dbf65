"""What an engineer writes by hand with confluent-kafka and orjson: CDN lines in, what rules let pass out.

Once a second it flushes, then commits.
"""

import os
import re
from pathlib import Path

import orjson
from confluent_kafka import Message
from hand_loop import run

rules = [
    (rule["fieldName"], re.compile(rule["regex"]).fullmatch, rule.get("include", False))
    for rule in orjson.loads(Path(os.environ["RULES"]).read_bytes())
]


def kept(message: Message) -> bytes | None:
    """Return the line as it came if every rule lets it pass."""
    raw = message.value()
    line = orjson.loads(raw)
    for field, matches, is_kept in rules:
        value = line.get(field)
        if is_kept != (value is not None and matches(value) is not None):
            return None
    return raw


run(kept)
