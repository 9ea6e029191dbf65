"""Engine metrics: why checkpoints fail, what ends sessions, and how long a rebalance lasts."""

import pytest
from prometheus_client import REGISTRY

from dataflow.engine.engine_metrics import cause_of
from dataflow.engine.lifecycle import REVOCATION, EngineState, Lifecycle
from dataflow.engine.topic_identity import TopicMadeAnew
from dataflow.kafka.errors import (
    CommitFailedError,
    Fenced,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    RecordsRefused,
    TimestampsRefused,
)


def value(name: str, **labels: str) -> float:
    """Return what a series says now; 0 where there is none yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Fenced("x"), "fenced"),
        (TopicMadeAnew("x"), "topic_made_anew"),
        (TimestampsRefused("cdn-logs"), "timestamps_refused"),
        (RecordsRefused(["cdn-logs"], KafkaError("x")), "records_refused"),
        (GroupAuthorizationFailedError("x"), "access_denied"),
        (KafkaConnectionError("x"), "broker_away"),
        (ConnectionResetError("x"), "broker_away"),
        (TimeoutError("x"), "timeout"),
        (CommitFailedError("x"), "other"),
    ],
)
def test_every_error_has_one_cause(error: BaseException, cause: str):
    """A label of a closed set: an alert by cause finds all of it."""
    assert cause_of(error) == cause


def test_an_error_is_known_by_its_cause():
    """The producer wraps what the broker has answered."""
    wrapped = KafkaError("x")
    wrapped.__cause__ = Fenced("y")
    assert cause_of(wrapped) == "fenced"


def test_a_rebalance_lasts_until_records_are_read_again():
    """Also the drain before it, in which nothing new is read."""
    now = [100.0]
    lifecycle = Lifecycle(lambda: now[0])
    lifecycle.enter(EngineState.RECOVERING, "start")
    lifecycle.enter(EngineState.RUNNING, "partitions are recovered")
    count, seconds = value("dataflow_rebalance_seconds_count"), value("dataflow_rebalance_seconds_sum")
    restarts = value("dataflow_session_restarts_total", cause=REVOCATION)
    for state, at in ((EngineState.DRAINING, 110), (EngineState.RECOVERING, 111), (EngineState.RUNNING, 114)):
        now[0] = at
        lifecycle.enter(state, REVOCATION)
    assert value("dataflow_rebalance_seconds_count") == count + 1
    assert value("dataflow_rebalance_seconds_sum") == pytest.approx(seconds + 4)
    assert value("dataflow_session_restarts_total", cause=REVOCATION) == restarts + 1


def test_a_failed_checkpoint_is_no_rebalance():
    """Who looks for a storm of rebalances must not find broker outages."""
    lifecycle = Lifecycle()
    lifecycle.enter(EngineState.RECOVERING, "start")
    lifecycle.enter(EngineState.RUNNING, "partitions are recovered")
    count, restarts = value("dataflow_rebalance_seconds_count"), "dataflow_session_restarts_total"
    before = value(restarts, cause="checkpoint_has_failed")
    lifecycle.enter(EngineState.RECOVERING, "checkpoint has failed")
    lifecycle.enter(EngineState.RUNNING, "partitions are recovered")
    assert value("dataflow_rebalance_seconds_count") == count
    assert value(restarts, cause="checkpoint_has_failed") == before + 1


def test_the_end_of_a_worker_restarts_no_session():
    """A bug that ends the worker is counted by who starts it again."""
    lifecycle = Lifecycle()
    lifecycle.enter(EngineState.RECOVERING, "start")
    lifecycle.enter(EngineState.RUNNING, "partitions are recovered")
    lifecycle.enter(EngineState.FAILED, "ValueError")
    assert value("dataflow_session_restarts_total", cause="ValueError") == 0
