"""What every user of the catalogue knows of the made-up stream, as JSON; a program of its own.

It puts the declaration where those of ours are, before anybody has read them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import dataflow.catalogue.streams

dataflow.catalogue.streams.__path__.append(str(Path(__file__).with_name("streams")))

from sinks.sink_records import a_record  # noqa: E402

from dataflow.catalogue.declared import RECEIVED_TOPICS, TOPICS  # noqa: E402  # as it says above
from dataflow.demo.generators.kinds import KINDS  # noqa: E402
from dataflow.rules.outputs import RESERVED  # noqa: E402
from dataflow.settings import Settings  # noqa: E402
from dataflow.sinks.csv import CsvSink  # noqa: E402
from dataflow.sinks.csv_files import Rotation  # noqa: E402
from dataflow.sinks.event_time import compile_reader  # noqa: E402
from dataflow.sinks.opensearch.mapping import index_template  # noqa: E402
from dataflow.sinks.postgres.migrate import create_table  # noqa: E402
from dataflow.sinks.postgres.tables import TABLES  # noqa: E402
from dataflow.sinks.s3.parquet import Parquet  # noqa: E402
from dataflow.topics import declared_topics  # noqa: E402
from dataflow.web.openapi import document  # noqa: E402
from dataflow.web.routes import ALL  # noqa: E402

A_SCAN = b'{"number":"1","scanned_at":"2026-01-31T12:00:00Z"}'


def knowledge() -> dict[str, object]:
    """Return what is known where."""
    settings = Settings(app_id="made-up", partitions=2, ingest_inputs=("parcels=/var/scans",))
    paths = json.loads(document(ALL))["paths"]
    [stream] = [
        parameter
        for parameter in paths["/ingest/{stream}"]["post"]["parameters"]
        if parameter["name"] == "stream"
    ]
    [table] = [table for table in TABLES if table.topic == "parcels-insured"]
    return {
        "topics": {
            topic.name: [topic.partitions, topic.retention_days]
            for topic in declared_topics(settings)
            if "parcels" in topic.name or "ingest" in topic.name
        },
        "received": RECEIVED_TOPICS,
        "inputs": settings.ingest_inputs,
        "openapi": stream["schema"]["enum"],
        "not for rules": sorted(RESERVED),
        "generators": {kind: stream.topic for kind, stream in KINDS.items()},
        "postgres": create_table(table),
        "opensearch": _properties(index_template("scans", ["parcels-insured"])),
        "parquet": [
            [field.name, str(field.type)] for field in Parquet(["parcels"])._columns["parcels"].schema
        ],
        "csv": list(CsvSink(Path("/nowhere"), Rotation(1, 1)).topics),
        "event time": compile_reader("parcels")(a_record(0, A_SCAN, 1_790_000_000_000))[0],
        "topics of streams": list(TOPICS),
    }


def _properties(template: Any) -> object:
    return template["template"]["mappings"]["properties"]


if __name__ == "__main__":
    json.dump(knowledge(), sys.stdout)
