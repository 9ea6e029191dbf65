"""Kafka Streams: the peers' job in Java, built where there is Maven; two rows of the table out."""

import shutil
import subprocess

from contestants import PEERS, Contestant

from dataflow.demo.broker.jars import cache_folder


def java_class_path() -> str:
    """Build the Kafka Streams program, once a machine; raise `OSError` where that is not possible."""
    if not (shutil.which("mvn") and shutil.which("java")):
        raise FileNotFoundError("mvn and java are not on the PATH")
    target = cache_folder() / "bench-kafka-streams"
    source, built = PEERS / "kafka-streams", target / "classes" / "bench" / "Stays.class"
    newest = max(file.stat().st_mtime for file in source.rglob("*") if file.is_file())
    if not built.exists() or built.stat().st_mtime < newest:
        maven = ["mvn", "--quiet", "--file", str(source), f"-Dbench.target={target}", "package"]
        done = subprocess.run(maven, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"mvn has failed: {done.stdout.strip().splitlines()[:1]}")
    return f"{target / 'classes'}:{target / 'libs'}/*"


def kafka_streams() -> list[Contestant]:
    """Return the two rows of Kafka Streams; raise `OSError` where there is no Maven or Java."""
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    command = ("java", quiet, "-cp", java_class_path(), "bench.Stays")
    return [
        Contestant("kafka-streams", "Kafka Streams", command, environment={"GUARANTEE": "at_least_once"}),
        Contestant(
            "kafka-streams-eos", "Kafka Streams, exactly_once_v2", command,
            environment={"GUARANTEE": "exactly_once_v2"},
        ),
    ]  # fmt: skip
