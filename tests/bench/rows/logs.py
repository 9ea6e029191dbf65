"""B, F and T: access logs parsed, CDN lines filtered, and all shipped flows with their tables."""

from functools import partial

from contestant import PEERS, Contestant, by_engine, by_hand, shipped
from flows.access_logs import WITHOUT_AGENT, LinesByHand, ParsedLines, ShippedLines
from flows.bookings import ShippedStays
from flows.cdn_logs import FilteredAndCounted, FilteredLines, ShippedFilter
from flows.log_file import LogFile
from inputs import ACCESS_LINES, CDN_LINES
from peer_programs import by_flink, by_go, by_maven, on_path

SLOW = 0.5
"""The share of the events for a program that takes some 100 µs each."""
GOACCESS = 'exec goaccess "$LOG" --no-global-config --log-format=COMBINED --output="$REPORT"'

B = (
    Contestant(
        "B", "dataflow", "**Dataflow**: 28 fields", by_engine("parse_access_lines"), ParsedLines,
        ACCESS_LINES, exactly_once=True, app="parse_access_lines", most_us=9.0,
    ),
    Contestant(
        "B", "hand", "loop by hand: confluent-kafka, 13 fields", by_hand("hand_access_logs.py"),
        LinesByHand, ACCESS_LINES,
    ),
    Contestant(
        "B", "kafka-streams", "Kafka Streams: 13 fields", by_maven("kafka-streams", "bench.Main"),
        partial(LinesByHand, fields=WITHOUT_AGENT), ACCESS_LINES, {"GUARANTEE": "at_least_once"},
    ),
    Contestant(
        "B", "connect", "Redpanda Connect's core: 10 fields, no user agents",
        by_go("connect", "-c", str(PEERS / "connect" / "access-lines.yaml")),
        partial(LinesByHand, fields=WITHOUT_AGENT), ACCESS_LINES,
    ),
    Contestant(
        "B", "goaccess", "GoAccess: a file, its default panels; keeps nothing",
        on_path("goaccess", "Debian: apt install goaccess", "sh", "-c", GOACCESS), LogFile, ACCESS_LINES,
    ),
)  # fmt: skip

F = (
    Contestant(
        "F", "dataflow", "**Dataflow**: five rules", by_engine("filter_cdn_lines"), FilteredLines,
        CDN_LINES, exactly_once=True, app="filter_cdn_lines", most_us=4.0,
    ),
    Contestant(
        "F", "hand", "loop by hand: confluent-kafka, orjson, re", by_hand("hand_filter.py"), FilteredLines,
        CDN_LINES,
    ),
)  # fmt: skip

T = (
    Contestant(
        "T", "bookings", "**Dataflow as shipped**, bookings: two outputs, counts and hotels by day",
        shipped, ShippedStays, exactly_once=True,
    ),
    Contestant(
        "T", "access-logs", "**Dataflow as shipped**, access logs: 28 fields, all tables",
        shipped, ShippedLines, ACCESS_LINES, exactly_once=True,
    ),
    Contestant(
        "T", "kafka-streams", "Kafka Streams, CDN logs: the rules, four of the tables",
        by_maven("kafka-streams", "bench.Main"), FilteredAndCounted, CDN_LINES,
        {"GUARANTEE": "at_least_once"}, share=SLOW,
    ),
    Contestant(
        "T", "kafka-streams-eos", "Kafka Streams, exactly_once_v2, CDN logs: the rules, four of the tables",
        by_maven("kafka-streams", "bench.Main"), FilteredAndCounted, CDN_LINES,
        {"GUARANTEE": "exactly_once_v2"}, exactly_once=True, share=SLOW,
    ),
    Contestant(
        "T", "flink", "Flink, CDN logs: the rules, four of the tables", by_flink("bench.RequestTables"),
        FilteredAndCounted, CDN_LINES, {"GUARANTEE": "AT_LEAST_ONCE"}, ends=True, always=False,
    ),
    Contestant(
        "T", "flink-eos", "Flink, exactly once, CDN logs: the rules, four of the tables",
        by_flink("bench.RequestTables"), FilteredAndCounted, CDN_LINES, {"GUARANTEE": "EXACTLY_ONCE"},
        exactly_once=True, ends=True, always=False,
    ),
    Contestant(
        "T", "cdn-logs", "**Dataflow as shipped**, CDN logs: five rules, all tables",
        shipped, ShippedFilter, CDN_LINES, exactly_once=True,
    ),
)  # fmt: skip

LOGS = (*B, *F, *T)
