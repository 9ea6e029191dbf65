"""Open transactions: what fetches show of partitions in; who is told that records wait, out."""

import pytest

from dataflow.kafka.open_transactions import OpenTransactions
from dataflow.kafka.types import TopicPartition

ONE, OTHER = TopicPartition("bookings", 0), TopicPartition("bookings", 1)
COMMAND = "kafka-transactions.sh abort --topic bookings --partition 0 --start-offset 7`"


def test_records_behind_an_open_transaction_are_told_of_twice_a_minute(caplog: pytest.LogCaptureFixture):
    """A producer had left one open: the stream stood still with no lag, and without a word."""
    now, ends = 0.0, {ONE: (7, 9), OTHER: (5, 5)}
    open_ones = OpenTransactions(lambda: now)
    told = []
    for now in range(100):
        if now == 20:
            ends[OTHER] = (5, 6)
        open_ones.remind(ends)
        if caplog.messages[len(told) :]:
            told.append(now)
    assert told == [30, 60, 90]
    assert COMMAND in caplog.messages[0]
    assert [message.partition("partitions=")[2].partition("]")[0] for message in caplog.messages] == [
        "[0",
        "[0, 1",
        "[0, 1",
    ]


def test_transactions_that_end_are_nobody_s_concern(caplog: pytest.LogCaptureFixture):
    """Workers write to `dead-letters` in transactions all day: each holds records up for a moment."""
    seconds = iter(range(100))
    open_ones = OpenTransactions(lambda: next(seconds))
    for end in range(100):
        open_ones.remind({ONE: (end // 10, 10)})
    assert not caplog.messages
