"""Backup and restore on a real broker: what nobody sends again is there again, as it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

from kafka_client import KafkaClient

from dataflow.catalogue.declared import AUDIT_LOG, FILTER_RULES, INGESTED_INPUTS, UTM_SOURCES
from dataflow.demo.broker import EmbeddedBroker

TOPICS = (FILTER_RULES, UTM_SOURCES, INGESTED_INPUTS, AUDIT_LOG)
RULES = [[{"name": "bots", "fieldName": "UA", "regex": "bot"}], []]
INPUT = json.dumps({"path": "/logs/a.gz"}).encode()


def command(broker: EmbeddedBroker, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    environment = os.environ | {"DATAFLOW_BROKER": broker.address}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def make_topics(kafka: KafkaClient) -> None:
    """Make the topics of a new cluster."""
    for topic in TOPICS:
        kafka.create_topics(topic.name, topic.partitions, **topic.configs)


def records(kafka: KafkaClient, topic: str) -> list[tuple[int, bytes | None, bytes | None, list]]:
    """Return partition, key, value and headers of each record."""
    return [(each.partition, each.key, each.value, list(each.headers)) for each in kafka.read_topic(topic)]


def test_rules_and_read_inputs_are_in_a_new_cluster_as_they_were(own_broker: EmbeddedBroker, tmp_path: Path):
    """Without them a new cluster filters nothing, and reads every file once more; nobody sends them again."""
    kafka, file = KafkaClient(own_broker.address), tmp_path / "backup.ndjson"
    make_topics(kafka)
    for number, rules in enumerate(RULES):
        (tmp_path / f"{number}.json").write_text(json.dumps(rules))
        done = command(own_broker, "rules", "put", str(tmp_path / f"{number}.json"))
        assert done.returncode == 0, done.stderr
    kafka.produce(INGESTED_INPUTS.name, [b"older", INPUT], [b"/logs/a.gz"] * 2, partition=2)
    before = {topic.name: records(kafka, topic.name) for topic in TOPICS}
    assert json.loads(command(own_broker, "backup", str(file)).stdout) == {
        "written": {"filter-rules": 2, "utm-sources": 0, "ingested-inputs": 1, "audit-log": 0}
    }
    assert command(own_broker, "backup", str(file)).returncode == 2  # nothing is overwritten
    refused = command(own_broker, "restore", str(file))
    assert refused.returncode == 1
    assert "holds records; expected an empty one" in refused.stderr

    for topic in TOPICS:
        kafka.delete_topic(topic.name)
    make_topics(kafka)
    restored = command(own_broker, "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    before[INGESTED_INPUTS.name] = before[INGESTED_INPUTS.name][-1:]
    assert {topic.name: records(kafka, topic.name) for topic in TOPICS} == before
    versions = json.loads(command(own_broker, "rules", "log").stdout)
    assert [version["version"] for version in versions["versions"]] == [2, 1]
