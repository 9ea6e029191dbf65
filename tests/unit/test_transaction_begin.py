"""The begin of a transaction: the answers of a broker that is slow to end the last one in, requests out."""

import pytest
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.transaction import AddOffsetsToTxnRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.kafka import offset_commit
from dataflow.kafka.offset_commit import FencedSender

CONCURRENT_TRANSACTIONS, NOT_COORDINATOR = 51, 16
GROUP = "group"


class Answer:
    """An answer to AddOffsetsToTxn."""

    def __init__(self, error_code: int) -> None:
        self.error_code = error_code


class Coordinator:
    """aiokafka's client, with a broker that gives these answers, one a request."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.looked_up = 0

    async def coordinator_lookup(self, kind: object, key: str) -> int:
        """Return the one node."""
        self.looked_up += 1
        return 0

    async def ready(self, node: int, group: object) -> bool:
        """Tell that it can be reached."""
        return True

    async def send(self, node: int, request: AddOffsetsToTxnRequest, group: object) -> Answer:
        """Give the next answer."""
        return Answer(self.codes.pop(0))


async def begin(coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Begin a transaction with this coordinator; return for how long was paused after each request."""
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("aiokafka.producer.sender.asyncio.sleep", note)
    transactions = TransactionManager("id", 10_000)
    transactions.set_pid_and_epoch(1, 0)
    transactions.begin_transaction()
    sender = FencedSender(
        coordinator,
        acks=-1,
        txn_manager=transactions,
        message_accumulator=None,
        retry_backoff_ms=20,
        request_timeout_ms=1_000,
    )
    await sender.add_group(GROUP)
    assert not transactions.is_empty_transaction()
    transactions.add_offsets_to_txn({TopicPartition("source", 0): OffsetAndMetadata(1, "")}, GROUP)
    assert transactions.consumer_group_to_add() is None  # aiokafka does not add it once more
    return pauses


async def test_it_is_asked_ever_more_rarely_while_the_last_one_is_being_ended(
    monkeypatch: pytest.MonkeyPatch,
):
    """With many new partitions that lasts for seconds; asked every 20 ms, the broker is slower still."""
    pauses = await begin(Coordinator(*[CONCURRENT_TRANSACTIONS] * 12, 0), monkeypatch)
    assert pauses[0] == offset_commit.FIRST_PAUSE_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == offset_commit.LONGEST_PAUSE_SECONDS
    assert len(pauses) == 12


async def test_it_begins_with_one_request_when_the_last_one_has_ended(monkeypatch: pytest.MonkeyPatch):
    """Almost always: it must not wait then."""
    assert await begin(Coordinator(0), monkeypatch) == []


async def test_a_coordinator_that_has_moved_is_looked_for_again(monkeypatch: pytest.MonkeyPatch):
    """Else every further request would go to the broker that has said it is none."""
    coordinator = Coordinator(NOT_COORDINATOR, 0)
    await begin(coordinator, monkeypatch)
    assert coordinator.looked_up == 2
