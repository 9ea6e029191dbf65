"""Error codes of brokers: what aiokafka does not know in; an error with its name out."""

import pytest
from aiokafka.errors import for_code

import dataflow.kafka.offset_fetch  # noqa: F401  # it knows two of them
from dataflow.kafka import errors


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (errors.GroupMaxSizeReached.errno, "GroupMaxSizeReached"),
        (errors.InvalidRecord.errno, "InvalidRecord"),
        (82, "FencedInstanceId"),
        (88, "UnstableOffsetCommit"),
    ],
)
def test_what_a_broker_answers_has_a_name(code: int, name: str):
    """Of a full group, and of a topic that takes only records with a key, the log said "UnknownError"."""
    assert for_code(code).__name__ == name
