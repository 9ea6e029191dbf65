"""A log file: the same access-log lines for a program that reads files, and what it must have read."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from access_lines import access_lines, broken
from cluster import Cluster
from tree import OURS


class LogFile:
    """Lines in a file, read once by a program that ends by itself and leaves a report in JSON."""

    tree = OURS
    outputs: Mapping[str, int] = MappingProxyType({})

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:  # as of every flow
        self.source = self.group = name
        self.events = events
        self._report = Path()

    def prepare(self) -> None:
        """Do nothing: the file is written into the folder of the run."""

    def environment(self, folder: Path) -> dict[str, str]:
        """Write the file, and say where it is and where the report goes."""
        log, self._report = folder / "access.log", folder / "report.json"
        log.write_bytes(b"".join(line + b"\n" for line in access_lines(self.events)))
        return {"LOG": str(log), "REPORT": str(self._report)}

    def acknowledged(self) -> int:
        """Return how many lines the report speaks of."""
        return int(self._general()["total_requests"]) if self._report.exists() else 0

    def faults(self, folder: Path) -> Iterator[str]:  # as of every flow
        """Look for whole lines that were refused; a program may take a line that is cut off."""
        failed, most = int(self._general()["failed_requests"]), broken(self.events)
        if failed > most:
            yield f"{failed} lines failed; expected at most {most}"

    def _general(self) -> dict[str, int]:
        general: dict[str, int] = json.loads(self._report.read_bytes())["general"]
        return general
