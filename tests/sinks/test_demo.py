"""`dataflow demo --once` with sinks: it ends when they have stored everything."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
from sinks.buckets import Bucket
from sinks.servers_s3 import ACCESS_KEY, SECRET_KEY, moto_server

from dataflow.demo.broker.ports import free_port

IMPATIENT = (
    "import dataflow.demo.play.stored_records as s; s.TIMEOUT_SECONDS = 2; "
    "from dataflow.cli import main; main()"
)


def play_once(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Return the demo when it has ended."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    own = {"DATAFLOW_DATA_DIR": str(folder), "DATAFLOW_WEB_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "-m", "dataflow", "demo", "--once"],
        env={**inherited, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


async def test_what_the_demo_has_played_is_stored_when_it_ends(tmp_path, database, unique):
    """Who names a database looks into it afterwards; what an S3 object still gathers is there, too."""
    bucket = unique("archive")
    with moto_server() as url:
        done = play_once(
            tmp_path,
            DATAFLOW_POSTGRES_URL=database,
            DATAFLOW_S3_BUCKET=bucket,
            DATAFLOW_S3_ENDPOINT=url,
            DATAFLOW_S3_REGION="us-east-1",
            DATAFLOW_S3_ACCESS_KEY=ACCESS_KEY,
            DATAFLOW_S3_SECRET_KEY=SECRET_KEY,
            DATAFLOW_S3_TOPICS="enriched-web-events",
        )
        assert done.returncode == 0, done.stderr
        assert len(Bucket(url, bucket).lines()) == 5_874
    assert "postgres has stored all; s3 has stored all." in done.stderr
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM stays") == 21_891
    assert await connection.fetchval("SELECT count(*) FROM page_views") == 5_874
    assert await connection.fetchval("SELECT count(*) FROM cdn_requests") > 0
    await connection.close()
