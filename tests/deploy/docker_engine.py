"""Docker engine: Debian's package in; a real dockerd in namespaces of its own, and Compose, out."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from dataflow.errors import Misconfigured

PROGRAMS = {
    "containerd": "containerd", "runc": "runc", "iptables": "iptables", "debootstrap": "debootstrap",
    "buildah": "buildah", "docker-compose": "docker-compose",
}  # fmt: skip
"""What runs on this machine itself, by its Debian package."""

UNPACKED = ("docker.io", "tini")
"""Packages that are unpacked and not installed: they would start an engine at once."""

APART = (
    "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
"""Begins a command that runs in namespaces of its own, and ends with them."""

START_SECONDS = 60
STOP_SECONDS = 60


def get_programs(folder: Path) -> None:
    """Install what is missing; raise `Misconfigured` where that is not possible."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise Misconfigured("make compose runs as another user, or elsewhere; expected root on Debian")
    if missing:
        _run("apt-get", "install", "-q", "-y", "--no-install-recommends", *missing)
    if not (folder / "usr/sbin/dockerd").exists():
        unpack(UNPACKED, folder)


def unpack(packages: Iterable[str], folder: Path) -> None:
    """Fetch packages of Debian and put their files into a folder; nothing is installed."""
    fetched = folder.with_name(f"{folder.name}-packages")
    fetched.mkdir(parents=True, exist_ok=True)
    _run("apt-get", "download", "-q", *packages, cwd=fetched)
    for package in fetched.glob("*.deb"):
        _run("dpkg-deb", "--extract", str(package), str(folder))


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=sys.stderr)


class DockerEngine:
    """An engine whose containers see neither this machine's network nor its processes, and go with it."""

    def __init__(self, folder: Path) -> None:
        """Describe it; `folder` keeps its images between runs."""
        self._folder = folder
        self._programs = folder / "root"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{folder}/run/docker.sock"}
        self.environment["PATH"] = f"{self._programs}/usr/bin:{os.environ['PATH']}"

    def start(self) -> None:
        """Start it, and wait until it answers; raise `Misconfigured` when it does not."""
        get_programs(self._programs)
        script = Path(__file__).with_name("dockerd.sh")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *APART, "bash", str(script), str(self._folder)],
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(
            ["docker", "info"], env=self.environment, capture_output=True, check=False
        ).returncode:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise Misconfigured(f"Docker does not start; expected it to: see {self._folder}/dockerd.log")
            time.sleep(0.2)

    def stop(self) -> None:
        """End it with all that it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def run(self, command: Sequence[str], *, seconds: float = 600, shown: bool = True) -> str:
        """Run a client of the engine; return its output. Raises `CalledProcessError`, `TimeoutExpired`."""
        done = subprocess.run(
            command, env=self.environment, timeout=seconds, check=True, text=True,
            stdout=subprocess.PIPE, stderr=None if shown else subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout
