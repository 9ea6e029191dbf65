"""Access logs beside GoAccess: of 50,000 lines the same are valid, with the same hits, but for one."""

import gzip
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from dataflow.errors import InvalidEvent
from dataflow.stages.access_log import line_stage

SAMPLE = Path(__file__).parents[1] / "data/access_logs/apache_combined_10k.log.gz"
GENERATE = "generate access-logs --rate 40000 --seconds 1 --start 2026-01-31 --broken 0.01 --to stdout"
GOACCESS = "--no-global-config --log-format=COMBINED --no-query-string --max-items=1000000 --no-progress"

ODD_LINE = b'46.118.127.106 - - [20/May/2015:12:05:17 +0000] "GET /scripts/grok-py-test/configlib.py '
"""It breaks off within its user agent: GoAccess counts it, to us it is a dead letter."""

pytestmark = pytest.mark.skipif(shutil.which("goaccess") is None, reason="there is no goaccess here")

Hits = dict[str, Counter[bytes]]


def theirs(log: Path) -> tuple[int, Hits]:
    """Return how many lines are valid to GoAccess, and hits by status, client and path."""
    report = log.with_name("report.json")
    subprocess.run(
        ["goaccess", str(log), *GOACCESS.split(), f"--output={report}"], check=True, stdout=subprocess.DEVNULL
    )
    told = json.loads(report.read_bytes().decode("utf-8", "surrogateescape"), strict=False)
    hits: Hits = {"status": Counter(), "client": Counter(), "path": Counter()}
    for panel, kind in {
        "status_codes": "status",
        "hosts": "client",
        "requests": "path",
        "static_requests": "path",
        "not_found": "path",
    }.items():
        for entry in told.get(panel, {}).get("data", ()):
            for part in entry.get("items", (entry,)) if kind == "status" else (entry,):
                name = part["data"][:3] if kind == "status" else part["data"]
                hits[kind][name.encode("utf-8", "surrogateescape")] += part["hits"]["count"]
    return told["general"]["valid_requests"], hits


def ours(log: Path) -> tuple[int, Hits]:
    """Return the same of our access-log stage."""
    read, valid = line_stage(None, None, None), 0
    hits: Hits = {"status": Counter(), "client": Counter(), "path": Counter()}
    for raw in log.read_bytes().split(b"\n"):
        try:
            entries = [json.loads(line) for line in read(raw)]
        except InvalidEvent:
            continue
        for entry in entries:
            valid += 1
            for kind, field in (("status", "status"), ("client", "ip"), ("path", "endpoint")):
                hits[kind][str(entry[field]).encode()] += 1
    return valid, hits


def decoded(paths: Counter[bytes]) -> Counter[bytes]:
    """Return hits by decoded path: GoAccess decodes it and trims blanks, we keep one written form."""
    hits: Counter[bytes] = Counter()
    for path, count in paths.items():
        hits[unquote_to_bytes(path).rstrip(b" ")] += count
    return hits


def test_valid_lines_and_their_hits_are_those_of_goaccess(tmp_path: Path):
    """10,000 lines of a real site and 40,000 made ones, a hundredth of them broken."""
    command = [sys.executable, "-m", "dataflow", *GENERATE.split()]
    made = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    sample = gzip.decompress(SAMPLE.read_bytes()).split(b"\n")
    [odd] = [line for line in sample if line.startswith(ODD_LINE) and not line.endswith(b'"')]
    log = tmp_path / "access.log"
    log.write_bytes(b"\n".join(line for line in sample if line != odd) + made)
    (their_valid, their_hits), (our_valid, our_hits) = theirs(log), ours(log)
    assert our_valid == their_valid > 49_000
    assert our_hits["status"] == their_hits["status"]
    assert our_hits["client"] == their_hits["client"]
    assert decoded(our_hits["path"]) == decoded(their_hits["path"])
