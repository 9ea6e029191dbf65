"""Topic faults: what a broker shows of topics in; which streams cannot go on, and what would help, out."""

import pytest

from dataflow.engine.app import App
from dataflow.engine.pauses import PauseCause
from dataflow.engine.topic_faults import topic_faults
from dataflow.engine.topology import Topology
from dataflow.kafka.topic_states import READ, WRITE, TopicState

GOOD = TopicState(partitions=4)
LOG, OTHER_LOG = "app-bookings-changelog", "app-views-changelog"
STATES = dict.fromkeys(("bookings", "views", LOG, OTHER_LOG, "bookings-out", "views-out"), GOOD)


def without(operation: int) -> TopicState:
    """Return the state of a topic with which we may do all but this."""
    return TopicState(4, operations=~(1 << operation))


@pytest.fixture
def topology() -> Topology:
    """Return that of two streams, each with an output that it has written to."""
    app = App("app")
    for name in ("bookings", "views"):
        app.topology.source(app.batches(name))
        app.topology.note_output(name, f"{name}-out")
    return app.topology


def test_streams_whose_topics_are_there_go_on(topology: Topology):
    """A broker without access control says of every topic that we may do all with it."""
    assert topic_faults(topology, STATES, "User:bob") == {}


@pytest.mark.parametrize(
    ("topic", "state", "cause", "detail"),
    [
        ("bookings-out", TopicState(), PauseCause.TOPIC_MISSING, "topic bookings-out, which stream bookings"),
        (LOG, TopicState(), PauseCause.TOPIC_MISSING, f"topic {LOG}, which stream bookings needs"),
        ("bookings", TopicState(is_hidden=True), PauseCause.ACCESS_DENIED, "READ on topic bookings"),
        ("bookings", without(READ), PauseCause.ACCESS_DENIED, "User:bob is denied operation READ on topic b"),
        ("bookings-out", without(WRITE), PauseCause.ACCESS_DENIED, "operation WRITE on topic bookings-out"),
        (LOG, without(READ), PauseCause.ACCESS_DENIED, f"operation READ on topic {LOG}"),
        (LOG, without(WRITE), PauseCause.ACCESS_DENIED, f"operation WRITE on topic {LOG}"),
        (
            LOG,
            TopicState(4, cleanup_policy="compact,delete"),
            PauseCause.NOT_COMPACTED,
            f"cleanup.policy of changelog {LOG} is compact,delete; expected compact",
        ),
        (
            "bookings-out",
            TopicState(4, cleanup_policy="compact"),
            PauseCause.KEYS_REQUIRED,
            "topic bookings-out is compacted, and refuses records without a key",
        ),
        (
            LOG,
            TopicState(4, leaderless=frozenset({2})),
            PauseCause.NO_LEADER,
            f"topic {LOG}, which stream bookings writes to, has no leader of partition 2",
        ),
        ("bookings-out", TopicState(4, leaderless=frozenset({0, 3})), PauseCause.NO_LEADER, "partition 0, 3"),
        (LOG, TopicState(2), PauseCause.PARTITIONS_ADDED, f"4 partitions, and its changelog {LOG} only 2"),
        (
            "bookings",
            TopicState(2),
            PauseCause.PARTITIONS_MISSING,
            f"2 partitions, of 4 that its changelog {LOG}",
        ),
    ],
)
def test_a_fault_of_a_topic_is_one_of_its_stream_alone(
    topology: Topology, topic: str, state: TopicState, cause: PauseCause, detail: str
):
    """Each says what is wrong with which topic, for whom."""
    faults = topic_faults(topology, {**STATES, topic: state}, "User:bob")
    assert faults.keys() == {"bookings"}
    assert faults["bookings"].cause is cause
    assert detail in faults["bookings"].detail


def test_a_topic_that_two_streams_write_to_holds_up_both(topology: Topology):
    """As dead letters may do."""
    topology.note_output("views", "bookings-out")
    states = {**STATES, "bookings-out": without(WRITE)}
    assert topic_faults(topology, states, "User:bob").keys() == {"bookings", "views"}
    assert topology.writers_of(["bookings-out"]) == ["bookings", "views"]
    assert topology.writers_of([OTHER_LOG]) == ["views"]


def test_a_right_to_read_an_output_is_not_needed(topology: Topology):
    """A worker only writes there."""
    assert topic_faults(topology, {**STATES, "bookings-out": without(READ)}, "User:bob") == {}


def test_dead_letters_go_to_a_partition_that_has_a_leader(topology: Topology):
    """All streams that ever had one would pause for a partition that none of them needs."""
    topology.dead_letters = "bookings-out"
    some, every = (TopicState(4, leaderless=frozenset(numbers)) for numbers in (range(3), range(4)))
    assert topic_faults(topology, {**STATES, "bookings-out": some}, "User:bob") == {}
    assert topic_faults(topology, {**STATES, "bookings-out": every}, "User:bob").keys() == {"bookings"}


def test_a_source_partition_without_a_leader_pauses_no_stream(topology: Topology):
    """Its other partitions can be read."""
    states = {**STATES, "bookings": TopicState(4, leaderless=frozenset({1}))}
    assert topic_faults(topology, states, "User:bob") == {}


def test_a_stream_of_another_group_is_none_of_ours(topology: Topology):
    """Its workers say what is wrong with it."""
    topology.sources["bookings"].is_taken = False
    assert topic_faults(topology, {**STATES, "bookings": TopicState()}, "User:bob") == {}
