"""Images: that of the program, and stand-ins for those of a registry."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.cluster.programs import HERE, pause
from deploy.manifests import ROOT

from dataflow.demo.broker.jars import kafka_jars
from dataflow.demo.broker.java import find_java

DATAFLOW: Final = "localhost/dataflow:under-test"
KAFKA: Final = "localhost/kafka:stand-in"
PAUSE: Final = "localhost/pause:1"
DEBIAN: Final = "localhost/debian-python:bookworm"
BASE: Final = "localhost/debian-python:this"


def build_images(folder: Path) -> Sequence[Path]:
    """Build all images; return them as archives."""
    base = _base(folder)
    _dataflow_image(base)
    _build(KAFKA, _kafka_context(folder / "kafka"), base)
    _pause_image()
    return [_archive(image, folder) for image in (DATAFLOW, KAFKA, PAUSE)]


def _dataflow_image(base: str) -> None:
    """Build the image of this tree; CLUSTER_IMAGE names one that is there already."""
    if ready := os.environ.get("CLUSTER_IMAGE"):
        _run("buildah", "tag", ready, DATAFLOW)
        return
    authority = os.environ.get("CA", "/etc/ssl/certs/ca-certificates.crt")
    builder = "IMAGE_BUILDER=buildah bud --layers --isolation chroot --format docker"  # it has the base
    own = [builder, "ARGS="]  # not those of the make that runs this
    command = ["make", "image", *own, f"BASE={base}", f"CA={authority}", f"IMAGE={DATAFLOW}"]
    subprocess.run(command, cwd=ROOT, check=True)


def _base(folder: Path) -> str:
    """Return a Debian with Python, which stands in for the base of the Dockerfile."""
    if base := os.environ.get("BASE"):
        return base
    if not _run("buildah", "images", "--quiet", DEBIAN, check=False).strip():
        _debian(folder)
    container = _run("buildah", "from", "--pull-never", DEBIAN).strip()
    # Debian 12 has Python 3.11.2, whose possessive repeats match wrongly: it gets the one that runs this.
    home, skipped = (
        Path(sys.base_prefix),
        ("test", "site-packages", "__pycache__", "*.a", "idlelib", "tkinter"),
    )
    shutil.copytree(home, folder / "python", symlinks=True, ignore=shutil.ignore_patterns(*skipped))
    _run("buildah", "add", "--quiet", container, str(folder / "python"), "/usr/local")
    _run("buildah", "run", "--isolation", "chroot", container, "--", "ldconfig")
    _run("buildah", "commit", "--quiet", "--rm", container, BASE)
    shutil.rmtree(folder / "python")
    return BASE


def _debian(folder: Path) -> None:
    packages = "--include=python3,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", packages, "bookworm", str(folder / "base")], check=True
    )
    container = _run("buildah", "from", "scratch").strip()
    _run("buildah", "add", "--quiet", container, str(folder / "base"), "/")
    _run("buildah", "commit", "--quiet", "--rm", container, DEBIAN)
    shutil.rmtree(folder / "base")


def _kafka_context(folder: Path) -> Path:
    shutil.copytree(HERE / "kafka", folder)
    java = Path(find_java().program).resolve().parents[1]
    # Debian has the settings of Java elsewhere, by links, which are followed.
    shutil.copytree(java, folder / "java", ignore=shutil.ignore_patterns("jmods", "src.zip", "demo", "man"),
                    ignore_dangling_symlinks=True)  # fmt: skip
    (folder / "jars").mkdir()
    for jar in kafka_jars(lambda done, wanted: None):
        shutil.copy(jar, folder / "jars")
    return folder


def _pause_image() -> None:
    container = _run("buildah", "from", "scratch").strip()
    _run("buildah", "add", "--quiet", container, str(pause()), "/pause")
    _run("buildah", "config", "--entrypoint", '["/pause"]', "--user", "65534", container)
    _run("buildah", "commit", "--quiet", "--rm", container, PAUSE)


def _build(image: str, context: Path, base: str) -> None:
    _run("buildah", "bud", "--isolation", "chroot", "--pull-never", "--build-arg", f"BASE={base}",
         "--tag", image, str(context))  # fmt: skip


def _archive(image: str, folder: Path) -> Path:
    path = folder / f"{image.partition('/')[2].replace(':', '-')}.tar"
    path.unlink(missing_ok=True)
    _run("buildah", "push", "--quiet", image, f"docker-archive:{path}:{image}")
    return path


def _run(*command: str, check: bool = True) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=check).stdout
