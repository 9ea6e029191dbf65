"""Images of the cluster: that of the program, Kafka's stand-in, and what holds the namespaces of a pod."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.cluster.programs import pause
from deploy.images import ROOT, build_program, build_stand_in, pack
from deploy.stand_ins import kafka_context

DATAFLOW: Final = "localhost/dataflow:under-test"
BEFORE: Final = "localhost/dataflow:before"
KAFKA: Final = "localhost/kafka:stand-in"
PAUSE: Final = "localhost/pause:1"


def build_images(folder: Path) -> Sequence[Path]:
    """Build all images; return them as archives."""
    build_program(DATAFLOW)
    build_stand_in(KAFKA, kafka_context(folder / "context"), "kafka")
    _pause_image()
    return [pack(image, folder) for image in (DATAFLOW, KAFKA, PAUSE)]


def build_before(commit: str, folder: Path) -> Path:
    """Build the image of another commit; return it as an archive.

    Raises `LookupError` where there is no such commit.
    """
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise LookupError(f"commit is {commit!r}; expected one of this repository")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder / "before", filter="data")
    build_program(BEFORE, tree=folder / "before")
    return pack(BEFORE, folder)


def _pause_image() -> None:
    container = _run("buildah", "from", "scratch").strip()
    _run("buildah", "add", "--quiet", container, str(pause()), "/pause")
    _run("buildah", "config", "--entrypoint", '["/pause"]', "--user", "65534", container)
    _run("buildah", "commit", "--quiet", "--rm", container, PAUSE)


def _run(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
