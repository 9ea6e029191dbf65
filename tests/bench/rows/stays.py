"""A1 and A2: the stay category of bookings; in A2 also counts by category and hour, kept durably."""

from collections.abc import Mapping
from dataclasses import replace

from cluster import Cluster
from contestant import PEERS, Contestant, Program, by_engine, by_hand, faust
from flows.bookings import EnrichedStays, HourlyStays
from flows.flow import Flow
from peer_programs import by_flink, by_go, by_maven, by_package

HOURLY = "hourly_stays:stays_per_hour"
SLOW = 0.125
"""The share of the events for a program that takes some 300 µs each."""
APART: Mapping[str, str] = {"PYTHONPATH": ""}
"""A program with an environment of its own sees nothing of ours."""


def hourly_by_engine(cluster: Cluster, name: str, events: int) -> Flow:
    """Return job A2, its counts read from the changelog."""
    return HourlyStays(cluster, name, events, HOURLY)


def _peer(who: str, title: str, program: Program, **told: str) -> Contestant:
    return Contestant("A1", who, title, program, EnrichedStays, environment=told)


def _packed(who: str, title: str) -> Contestant:
    return _peer(who, title, by_package(who, f"{who}_stays.py"), **APART)


def _counted(a1: Contestant, share: float = 1.0) -> Contestant:
    return replace(a1, job="A2", flow=HourlyStays, share=share)


OURS_A1 = Contestant(
    "A1", "dataflow", "**Dataflow**", by_engine("categorize_stays"), EnrichedStays,
    exactly_once=True, app="categorize_stays",
)  # fmt: skip
OURS_A2 = replace(
    OURS_A1, job="A2", program=by_engine("hourly_stays"), flow=hourly_by_engine, app="hourly_stays"
)
COMPRESSED = [
    replace(
        OURS_A2, who=f"dataflow-{codec}", title=f"**Dataflow**, output by {codec}", always=False,
        environment={"COMPRESSION": codec},
    )
    for codec in ("zstd", "snappy")
]  # fmt: skip
HAND = _peer("hand", "loop by hand: confluent-kafka, orjson", by_hand("hand_confluent.py"))
HAND_AIOKAFKA = _peer("hand-aiokafka", "loop by hand: aiokafka, orjson", by_hand("hand_aiokafka.py"))
FLOOR = _peer("floor", "floor: bare aiokafka, this job alone", by_hand("floor.py"))
FAUST = replace(_peer("faust", "stock Faust", faust("peers.faust_stock", "--without-web")), share=SLOW)
QUIX = _packed("quix", "Quix Streams")
BYTEWAX = replace(_packed("bytewax", "Bytewax"), ends=True)
PATHWAY = replace(_packed("pathway", "Pathway"), ends=True)
ARROYO = replace(_packed("arroyo", "Arroyo, which keeps no state"), share=0.25)
STREAMS = by_maven("kafka-streams", "bench.Main")
KAFKA_STREAMS = _peer("kafka-streams", "Kafka Streams", STREAMS, GUARANTEE="at_least_once")
KAFKA_STREAMS_EOS = replace(
    KAFKA_STREAMS, who="kafka-streams-eos", title="Kafka Streams, exactly_once_v2", exactly_once=True,
    environment={"GUARANTEE": "exactly_once_v2"},
)  # fmt: skip
FLINK = replace(
    _peer(
        "flink", "Flink, at least once",
        by_flink("bench.Stays"),
        GUARANTEE="AT_LEAST_ONCE",
    ),
    ends=True,
)  # fmt: skip
FLINK_EOS = replace(
    FLINK, who="flink-eos", title="Flink, exactly once", exactly_once=True,
    environment={"GUARANTEE": "EXACTLY_ONCE"},
)  # fmt: skip
CONNECT = _peer(
    "connect", "Redpanda Connect's core (Benthos 4.27)",
    by_go("connect", "-c", str(PEERS / "connect" / "stays.yaml")),
)  # fmt: skip

A1 = (HAND, HAND_AIOKAFKA, FAUST, QUIX, BYTEWAX, PATHWAY, ARROYO, KAFKA_STREAMS, KAFKA_STREAMS_EOS,
      FLINK, FLINK_EOS, CONNECT)  # fmt: skip
A2 = (
    *map(_counted, (HAND, FLOOR, HAND_AIOKAFKA)), _counted(FAUST, SLOW), _counted(QUIX, SLOW),
    *map(_counted, (BYTEWAX, PATHWAY, KAFKA_STREAMS, KAFKA_STREAMS_EOS, FLINK, FLINK_EOS)),
)  # fmt: skip
STAYS = (OURS_A1, *A1, OURS_A2, *COMPRESSED, *A2)
