"""Topic faults: why a stream cannot go on although its worker can, by what the broker shows of topics."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from dataflow.engine.pauses import PauseCause
from dataflow.engine.topology import Source, Topology
from dataflow.kafka.errors import KeysRequired, RecordsRefused, RecordsTooLarge
from dataflow.kafka.topic_states import READ, WRITE, TopicState

NAMES = {READ: "READ", WRITE: "WRITE"}

States = Mapping[str, TopicState]


class TopicFault(NamedTuple):
    """What holds up a stream, and what would mend it."""

    cause: PauseCause
    detail: str
    awaited: str


def topic_faults(topology: Topology, states: States, principal: str) -> dict[str, TopicFault]:
    """Return what holds up each stream that cannot go on."""
    faults = {}
    for topic, source in topology.taken.items():
        outputs = topology.outputs.get(topic, ())
        fault = next(_faults_of(source, outputs, states, principal, topology.dead_letters), None)
        if fault is not None:
            faults[topic] = fault
    return faults


def denied(principal: str, operation: str, topic: str) -> TopicFault:
    """Return the fault of a right that is missing."""
    return TopicFault(
        PauseCause.ACCESS_DENIED,
        f"{principal} is denied operation {operation} on topic {topic}",
        f"an ACL that allows {principal} operation {operation} on topic {topic}",
    )


def no_leader(stream: str, topic: str, use: str, partitions: Collection[int]) -> TopicFault:
    """Return the fault of partitions without a leader; `use` is what the stream does with their topic."""
    numbers = ", ".join(map(str, sorted(partitions)))
    return TopicFault(
        PauseCause.NO_LEADER,
        f"topic {topic}, which stream {stream} {use}, has no leader of partition {numbers}",
        "a broker that has this partition in sync",
    )


def refusal(principal: str, error: RecordsRefused) -> TopicFault:
    """Return the fault of topics that do not accept records."""
    names = ", ".join(sorted(error.topics))
    match error:
        case RecordsTooLarge():
            return _too_large(names)
        case KeysRequired():
            return _keys_required(names)
    return denied(principal, "WRITE", names)


def _keys_required(topic: str) -> TopicFault:
    return TopicFault(
        PauseCause.KEYS_REQUIRED,
        f"topic {topic} is compacted, and refuses records without a key",
        f"cleanup.policy=delete of topic {topic} (`kafka-configs.sh --alter`)",
    )


def _too_large(topic: str) -> TopicFault:
    return TopicFault(
        PauseCause.RECORDS_TOO_LARGE,
        f"topic {topic} refuses record batches as large as those that it accepted before",
        f"a larger max.message.bytes of topic {topic}, or the right to read it (DESCRIBE_CONFIGS)",
    )


def _faults_of(
    source: Source, outputs: Collection[str], states: States, principal: str, dead_letters: str
) -> Iterator[TopicFault]:
    name, changelog = source.topic.get_topic_name(), source.changelog
    needed = [
        (name, READ),
        (changelog, READ),
        (changelog, WRITE),
        *((output, WRITE) for output in sorted(outputs)),
    ]
    for topic, operation in needed:
        state = states[topic]
        if state.is_missing:
            yield TopicFault(
                PauseCause.TOPIC_MISSING,
                f"topic {topic}, which stream {name} needs, does not exist any more",
                f"topic {topic} to be there again: `dataflow topics --create`",
            )
        elif not state.may(operation):
            yield denied(principal, NAMES[operation], topic)
    yield from _partition_faults(name, changelog, states)
    yield from _leader_faults(name, (changelog, *sorted(outputs)), states, dead_letters)
    yield from _policy_faults(changelog, outputs, states)


def _leader_faults(
    stream: str, written: Collection[str], states: States, dead_letters: str
) -> Iterator[TopicFault]:
    """Yield topics that cannot be written to; of a source without a leader, the other partitions go on."""
    for topic in written:
        if topic == dead_letters and len(states[topic].leaderless) < states[topic].partitions:
            continue  # they go to another partition
        if states[topic].leaderless:
            yield no_leader(stream, topic, "writes to", states[topic].leaderless)


def _policy_faults(changelog: str, outputs: Collection[str], states: States) -> Iterator[TopicFault]:
    policy = states[changelog].cleanup_policy
    if policy not in ("", "compact"):
        yield TopicFault(
            PauseCause.NOT_COMPACTED,
            f"cleanup.policy of changelog {changelog} is {policy}; expected compact, to lose nothing",
            f"cleanup.policy=compact of topic {changelog} (`kafka-configs.sh --alter`)",
        )
    for output in sorted(outputs):
        if "compact" in states[output].cleanup_policy:  # it is known of those that have refused records
            yield _keys_required(output)


def _partition_faults(name: str, changelog: str, states: States) -> Iterator[TopicFault]:
    found, counted = states[name].partitions, states[changelog].partitions
    if 0 < counted < found:
        yield TopicFault(
            PauseCause.PARTITIONS_ADDED,
            f"topic {name} has {found} partitions, and its changelog {changelog} only {counted}",
            "as many in the changelog: `dataflow topics --grow`",
        )
    if 0 < found < counted:
        yield TopicFault(
            PauseCause.PARTITIONS_MISSING,
            f"topic {name} has {found} partitions, of {counted} that its changelog {changelog} has counted",
            f"as many again: `kafka-topics.sh --alter --topic {name} --partitions {counted}`",
        )
