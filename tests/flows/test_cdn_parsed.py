"""CDN logs twice: byte for byte on the filtered topic, and typed on a second one, if it is asked for."""

import json
from collections import defaultdict

from chaos.answers import ask_balances
from chaos.cluster import PARTITIONS, running_cluster
from chaos.waiting import wait_until
from kafka_client import Read

from dataflow.demo.samples import sample_events, sample_filter_rules
from dataflow.stages.datastream2 import line_stage
from dataflow.stages.filter_document import load_document

# Rules look at neither of them: the filter lets these pass, the tables count them, and so has PostgreSQL to.
ODD = [
    b'{"statusCode":"200","reqPath":"untyped","bytes":{"a":1}}',
    b'{"statusCode":"200","reqPath":"untyped","breadcrumbs":"x"}',
]


def by_partition(records: list[Read]) -> dict[int, list[Read]]:
    """Return the records of each partition, in their order."""
    found: defaultdict[int, list[Read]] = defaultdict(list)
    for record in records:
        found[record.partition].append(record)
    return found


def test_every_sample_line_is_out_as_it_came_and_typed(tmp_path):
    """In the same partition and order, with the version of the rules; none is lost for one field."""
    typed = line_stage()
    lines = {p: [*sample_events("cdn-logs")[p::PARTITIONS], ODD[p % 2]] for p in range(PARTITIONS)}
    with running_cluster(tmp_path, cdn_parsed="true") as cluster:
        worker = cluster.start_worker().wait_ready()
        for partition, sent in lines.items():
            cluster.kafka.produce("cdn-logs", sent, partition=partition)
        dropped_by = load_document(sample_filter_rules()).dropped_by
        kept = {p: [line for line in sent if dropped_by(line) is None] for p, sent in lines.items()}
        number = sum(map(len, kept.values()))
        event_counts = {
            "received": number,
            "sent": number,
            "dropped": {},
            "dead_lettered": {},
        }

        def seen() -> dict[str, object] | None:
            return ask_balances(worker).get("cdn-logs-filtered")

        wait_until(
            lambda: seen() == event_counts, 60, lambda: f"{event_counts}, but {seen()}; {worker.tail()}"
        )
        assert worker.stop() == 0  # all of it is committed then
        filtered = by_partition(cluster.kafka.read_topic("cdn-logs-filtered"))
        parsed = by_partition(cluster.kafka.read_topic("cdn-logs-parsed"))
        letters = cluster.kafka.read_topic("dead-letters")
    assert {p: [one.value for one in records] for p, records in filtered.items()} == kept
    assert {p: [one.value for one in records] for p, records in parsed.items()} == {
        p: [typed(line)[0] for line in sent] for p, sent in kept.items()
    }
    records = [one for found in (filtered, parsed) for few in found.values() for one in few]
    assert {one.headers for one in records} == {(("dataflow-rules", b"1"),)}
    assert letters == []
    entry = json.loads(parsed[0][0].value or b"")
    assert isinstance(entry["bytes"], int)
    assert entry["ts"].endswith("Z")
