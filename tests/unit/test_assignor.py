"""The assignor: what a large group costs, even and sticky shares, and members of the version before."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import cast

import faust
import msgspec
import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from aiokafka.protocol.metadata import MetadataResponse_v1
from faust.assignor import PartitionAssignor
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine import assignor as assignor_module
from dataflow.engine.app import App
from dataflow.engine.assignor import Assignor
from dataflow.engine.member_data import MemberData
from dataflow.engine.spread import spread
from dataflow.kafka.types import MemberAssignment, MemberMetadata

TOPICS = ("access-logs", "analytics-events", "cdn-logs", "expedia", "matomo-events", "raw-web-events")
MEMBER_ID = "faust-0.15.3-0a1b2c3d-4e5f-6789-abcd-ef0123456789-{:03}"


def cluster_of(partitions: Mapping[str, int]) -> ClusterMetadata:
    """Return what a client knows of a broker with so many partitions of these topics."""
    cluster = ClusterMetadata()
    topics = [
        (0, topic, False, [(0, number, 1, [1], [1]) for number in range(count)])
        for topic, count in partitions.items()
    ]
    cluster.update_metadata(MetadataResponse_v1([(1, "127.0.0.1", 9092, None)], 1, topics))
    return cluster


def assignor_at(port: int) -> Assignor:
    """Return the assignor of a worker."""
    return App("app", web_host="worker.example", web_port=port).assignor


class SimulatedGroup:
    """A consumer group, without a broker: what members send and get passes through bytes."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self.topics = set(partitions)
        self.cluster = cluster_of(partitions)
        self.members: dict[str, PartitionAssignor] = {}

    def join(self, assignors: Iterable[PartitionAssignor]) -> None:
        """Add members, who have to wait for `rebalance`."""
        for assignor in assignors:
            self.members[MEMBER_ID.format(assignor.app.conf.web_port)] = assignor

    def rebalance(self, leader: str | None = None) -> tuple[int, float]:
        """Do what coordinator and leader do; return the bytes that are kept, and the leader's seconds."""
        sent = {member: assignor.metadata(self.topics).encode() for member, assignor in self.members.items()}
        read = {member: ConsumerProtocolMemberMetadata.decode(data) for member, data in sent.items()}
        begun = time.perf_counter()
        assigned = self.members[leader or min(self.members)].assign(self.cluster, read)
        answers = {member: assignment.encode() for member, assignment in assigned.items()}
        took = time.perf_counter() - begun
        for member, assignor in self.members.items():
            assignor.on_assignment(ConsumerProtocolMemberAssignment.decode(answers[member]))
        ids = sum(3 * len(member) + 64 for member in self.members)  # id, client, host, timeouts
        return ids + sum(map(len, sent.values())) + sum(map(len, answers.values())), took

    def owners(self) -> dict[tuple[str, int], str]:
        """Return who owns what; no partition has two owners."""
        owned = [(tp, member) for member, one in self.members.items() for tp in one.assigned_actives()]
        assert len(dict(owned)) == len(owned)
        return dict(owned)


def test_two_hundred_workers_with_two_thousand_partitions_of_six_topics():
    """The group's record has to pass through a topic that takes 1 MB; with all owners in it, it has 19 MB.

    Measured in the second generation, when members also tell what they own.
    """
    group = SimulatedGroup(dict.fromkeys(TOPICS, 2_000))
    group.join(assignor_at(port) for port in range(1, 201))
    group.rebalance()
    size, _ = group.rebalance()
    took = min(group.rebalance()[1] for _ in range(3))
    assert set(Counter(group.owners().values()).values()) == {60}
    assert {member.members for member in group.members.values()} == {200}
    assert size < 500_000
    assert took < 0.5


def test_nothing_moves_when_nothing_changes():
    """A rebalance without a change keeps all tables in memory, also with topics of many sizes."""
    group = SimulatedGroup({"a": 7, "b": 7, "c": 5, "d": 1, "e": 1, "f": 13})
    group.join(assignor_at(port) for port in range(1, 5))
    group.rebalance()
    before = group.owners()
    group.rebalance()
    assert group.owners() == before
    loads = Counter(before.values())
    assert max(loads.values()) - min(loads.values()) <= 2  # a and b are shared out together


def test_topics_of_one_partition_are_not_all_with_one_worker():
    """Faust's assignor begins each topic with the same member."""
    group = SimulatedGroup({f"topic-{number}": number + 1 for number in range(6)})
    group.join(assignor_at(port) for port in range(1, 4))
    group.rebalance()
    assert set(Counter(group.owners().values()).values()) == {7}


@given(
    count=st.integers(1, 60),
    held=st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.integers(0, 70)), min_size=1),
)
def test_a_spread_is_whole_even_and_moves_as_little_as_it_can(count: int, held: dict[str, set[int]]):
    """Whatever members claim: partitions that are gone, or the same twice after a lost session."""
    shares = spread(count, held, dict.fromkeys(held, 0))
    assert sorted(number for share in shares.values() for number in share) == list(range(count))
    sizes = sorted(map(len, shares.values()))
    assert sizes[-1] - sizes[0] <= 1
    claimed: set[int] = set()
    owned: list[int] = []
    for member in sorted(held):  # of two that claim a partition the first has it
        mine = {number for number in held[member] if number < count} - claimed
        claimed |= mine
        owned.append(len(mine))
    kept = sum(len(held[member].intersection(share)) for member, share in shares.items())
    owned.sort(reverse=True)
    most = sum(min(mine, share) for mine, share in zip(owned, reversed(sizes), strict=True))
    assert kept >= most
    assert spread(count, shares, dict.fromkeys(held, 0)) == shares


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=6), members=st.integers(1, 5))
def test_loads_are_even_over_all_topics(counts: list[int], members: int):
    """A worker that has one partition more of a topic has one less of another."""
    load = Counter(dict.fromkeys("abcde"[:members], 0))
    for count in counts:
        load.update(
            {name: len(share) for name, share in spread(count, dict.fromkeys(load, ()), load).items()}
        )
    assert max(load.values()) - min(load.values()) <= 1


@pytest.mark.parametrize("leader_is_old", [True, False])
def test_workers_of_the_version_before_are_in_one_group_with_those_of_this_one(leader_is_old: bool):
    """An upgrade goes worker by worker: each side leads, and an old one still learns of all owners."""
    old = PartitionAssignor(faust.App("app", web_host="worker.example", web_port=1))
    group = SimulatedGroup({"a": 4, "b": 3})
    group.join([old, assignor_at(2)])
    leader = MEMBER_ID.format(1 if leader_is_old else 2)
    group.rebalance(leader)
    group.rebalance(leader)
    owners = group.owners()
    assert sorted(Counter(owners.values()).values()) == [3, 4]
    told = {
        (topic, partition): url
        for url, topics in old.external_topics_metadata().items()
        for topic, partitions in topics.items()
        for partition in partitions
    }
    assert told == {tp: f"http://worker.example:{int(member[-3:])}" for tp, member in owners.items()}


def formats_written(group: SimulatedGroup) -> dict[int, int]:
    """Return what each member writes to changelogs, by its port."""
    written = {member: cast("Assignor", one).changelog_format for member, one in group.members.items()}
    return {int(member[-3:]): version for member, version in written.items()}


@pytest.fixture
def later_release(monkeypatch: pytest.MonkeyPatch) -> type[Assignor]:
    """Return the assignor of a release that reads format 3, and still writes format 1."""

    class Later(Assignor):
        def metadata(self, topics: Collection[str]) -> MemberMetadata:
            with monkeypatch.context() as at:
                at.setattr(assignor_module, "FORMAT_VERSION", 3)
                return super().metadata(topics)

        def on_assignment(self, assignment: MemberAssignment) -> None:
            with monkeypatch.context() as at:
                at.setattr(assignor_module, "FORMAT_VERSION", 3)
                super().on_assignment(assignment)

    return Later


@pytest.mark.parametrize("leader", [1, 2, 3])
def test_a_format_of_changelogs_is_written_once_all_members_read_it(
    later_release: type[Assignor], leader: int
):
    """While one of an earlier release is left, partitions can go back to it; whichever of them leads."""
    group = SimulatedGroup({"a": 6})
    group.join(later_release(App("app", web_host="worker.example", web_port=port)) for port in (1, 2))
    group.join([assignor_at(3)])
    group.rebalance(MEMBER_ID.format(leader))
    assert formats_written(group) == {1: 1, 2: 1, 3: 1}

    del group.members[MEMBER_ID.format(3)]
    group.rebalance()
    assert formats_written(group) == {1: 3, 2: 3}

    group.join([assignor_at(3)])  # the way back, one worker at a time
    group.rebalance(MEMBER_ID.format(leader))
    assert formats_written(group) == {1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize(("version", "read"), [(4, 0), (5, 1)])
def test_members_that_do_not_tell_their_format_read_that_of_their_release(version: int, read: int):
    """Formats were numbered before members told theirs."""
    silent = msgspec.json.decode(b'{"assignment":{"actives":{},"standbys":{}},"url":"x"}', type=MemberData)
    assert silent.format_of(version) == read


def test_a_static_member_that_comes_back_elsewhere_takes_what_it_had():
    """The coordinator hands out the old assignment, which names the old address; Faust's asserts."""
    group = SimulatedGroup({"a": 4})
    group.join([assignor_at(1)])
    sent = {member: one.metadata(group.topics) for member, one in group.members.items()}
    [assigned] = group.members[min(sent)].assign(group.cluster, sent).values()
    elsewhere = assignor_at(2)
    elsewhere.on_assignment(assigned)
    assert len(elsewhere.assigned_actives()) == 4
