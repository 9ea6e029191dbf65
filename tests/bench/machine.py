"""What the machine was doing meanwhile: CPU of one process, of the broker, and of all others."""

import os
import platform
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

OUR_LIBRARIES = ("faust-streaming", "aiokafka", "confluent-kafka", "msgspec", "orjson", "uvloop")
PEERS = Path(__file__).parent / "peers"
QUIET_PERCENT = 12


def wait_until_quiet(seconds: float) -> bool:
    """Wait until hardly anything runs; False when that took too long."""
    deadline = time.monotonic() + seconds
    while psutil.cpu_percent(0.5) > QUIET_PERCENT:
        if time.monotonic() > deadline:
            return False
    return True


def busy_seconds() -> float:
    """Return the CPU seconds that the machine has worked since it was started."""
    t = psutil.cpu_times()
    return float(t.user + t.system + t.nice + getattr(t, "irq", 0) + getattr(t, "softirq", 0))


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process, all its threads."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def peak_bytes(pid: int) -> int:
    """Return the most memory a process has had resident; where the system does not tell, what it has."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return resident_bytes(pid)
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) * 1024 if found else 0


def resident_bytes(pid: int) -> int:
    """Return the memory that a process has resident now."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def described() -> str:
    """Return what machine this is."""
    try:
        models = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        models = []
    memory = psutil.virtual_memory().total / (1 << 30)
    processor = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB, {platform.system()} {platform.release()}"


def versions() -> str:
    """Return the versions of what takes part; those of peers as their own files pin them."""
    ours = [f"{name} {version(name)}" for name in OUR_LIBRARIES]
    pinned = {
        line.partition("[")[0].partition("==")[0]: line.partition("==")[2]
        for file in sorted((PEERS / "requirements").glob("*.txt"))
        for line in file.read_text().splitlines()
    }
    theirs = [f"{name} {number}" for name, number in pinned.items() if name != "orjson"]
    return f"Python {platform.python_version()}, {', '.join(ours)}; peers: {', '.join(theirs)}"


@dataclass
class Others:
    """CPU seconds that neither the measured process, nor the broker, nor this one used."""

    broker: int

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._busy, self._known = busy_seconds(), self._ours()
        self._broker_began = cpu_seconds(self.broker)

    def _ours(self) -> float:
        return cpu_seconds(self.broker) + cpu_seconds(os.getpid())

    @property
    def broker_seconds(self) -> float:
        """CPU seconds of the broker so far."""
        return cpu_seconds(self.broker) - self._broker_began

    def cores(self, measured_seconds: float) -> float:
        """Return how many cores the others kept busy on average."""
        used = busy_seconds() - self._busy - (self._ours() - self._known) - measured_seconds
        return max(used, 0) / (time.monotonic() - self._began)
