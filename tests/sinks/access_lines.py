"""Parsed access log lines: how many are wanted in; lines, and what PostgreSQL has of them, out."""

import json
import os

import asyncpg

from dataflow.sinks.runner import SinkRunner

TOPIC = "access-logs-parsed"
RECORDS = int(os.environ.get("SINK_TEST_RECORDS", "20000"))


def a_line(number: int, **chosen: object) -> bytes:
    """Return a line that no other number has."""
    request = {
        "ip": f"10.0.{number % 200}.{number % 251}",
        "ts": f"2015-05-{17 + number % 4}T10:05:{number % 60:02}Z",
        "method": "GET",
        "endpoint": f"/{number}",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": number,
        "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 Chrome/32.0.1700.77",
        "ua_browser": "Chrome",
        "is_bot": False,
        "country": "RU",
    }
    return json.dumps(request | chosen).encode()


async def stored(url: str) -> tuple[int, int, int]:
    """Return rows, distinct origins and distinct lines."""
    connection = await asyncpg.connect(url)
    try:
        query = (
            'SELECT count(*), count(DISTINCT (partition, "offset")), count(DISTINCT endpoint) FROM web_logs'
        )
        return tuple(await connection.fetchrow(query))
    finally:
        await connection.close()


def done(runner: SinkRunner) -> int:
    """Return how many records are stored and committed."""
    return sum(partition.committed_offset for partition in runner.partitions.values())


def troubled(runner: SinkRunner) -> bool:
    """Tell whether an outage has been noticed, and is going on."""
    return any(partition.note.retrying_since_ms for partition in runner.partitions.values())
