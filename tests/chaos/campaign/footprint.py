"""Footprint: a worker in; its memory and open files out, and whether they have come back."""

from dataclasses import dataclass
from pathlib import Path

from chaos.worker import Worker

MORE_FILES = 60
MORE_MEMORY = 1.6
MORE_MEGABYTES = 60


@dataclass(frozen=True)
class Footprint:
    """What one worker takes of its machine."""

    megabytes: int
    files: int

    @classmethod
    def of(cls, worker: Worker) -> "Footprint":
        """Return that of a running worker."""
        process = Path(f"/proc/{worker.process.pid}")
        lines = (process / "status").read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        return cls(kilobytes // 1024, len(list((process / "fd").iterdir())))

    def check(self, worker: Worker, at_first: "Footprint") -> None:
        """Fail if it is far above what it was before the first fault."""
        role = f"{worker.folder.name} ({worker.environment.get('DATAFLOW_ROLE')})"
        most = Footprint(int(at_first.megabytes * MORE_MEMORY) + MORE_MEGABYTES, at_first.files + MORE_FILES)
        assert self.megabytes <= most.megabytes, (
            f"{role} takes {self.megabytes} MB; expected {most.megabytes}"
        )
        assert self.files <= most.files, f"{role} has {self.files} files open; expected {most.files}"
