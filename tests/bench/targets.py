"""Targets: what is to be reached; what was measured in, reached or not out. Nothing here is told by hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from measured import Measured

Find = Callable[[Measured], float | None]

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Target:
    """One number, and the most or the least that it may be.

    A target that is `scaled` is told for the slower machine, and moves with the speed of this one.
    """

    what: str
    find: Find
    most: float | None = None
    least: float | None = None
    most_when_fast: float | None = None
    scaled: bool = False
    unit: str = ""

    def row(self, measured: Measured) -> list[str]:
        """Return what was found, what is to be reached here, and whether it is."""
        found = self.find(measured)
        most, least, where = self._bounds(measured)
        bound = f"≤ {_told(most)}" if most is not None else f"≥ {_told(least or 0)}"
        if found is None:
            return [self.what, NOT_MEASURED, f"{bound}{self.unit}{where}", "–"]
        reached = (most is None or found <= most) and (least is None or found >= least)
        return [
            self.what, f"{_told(found)}{self.unit}", f"{bound}{self.unit}{where}",
            "reached" if reached else "**not reached**",
        ]  # fmt: skip

    def _bounds(self, measured: Measured) -> tuple[float | None, float | None, str]:
        if self.most_when_fast is not None and not measured.is_slow:
            return self.most_when_fast, self.least, f" (on a fast machine; {self.most} on a slow one)"
        slowness = measured.slowness if self.scaled else None
        if slowness is None:
            return self.most, self.least, ""
        most = None if self.most is None else self.most * slowness
        least = None if self.least is None else self.least / slowness
        told = self.most if self.least is None else self.least
        return most, least, f" here ({_told(told or 0)} on the slower machine)"


def _told(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _ratio(ours: str, theirs: str) -> Find:
    return lambda measured: measured.ratio(ours, theirs)


def _figure(name: str) -> Find:
    return lambda measured: measured.figure(name)


def _spread(names: list[str]) -> Find:
    """Return how much dearer the dearest of the rows is than the cheapest."""

    def found(measured: Measured) -> float | None:
        known = [cost for name in names if (cost := measured.cost(name) or 0) > 0]
        return max(known) / min(known) if len(known) == len(names) else None

    return found


def _quotient(dividend: str, divisor: str, measured: Measured) -> float | None:
    above, below = measured.figure(dividend), measured.figure(divisor)
    return above / below if above is not None and below else None


def _against_peers() -> Iterator[Target]:
    for job in ("A1", "A2"):
        ours = f"{job}-dataflow"
        yield Target(f"{job}: to the loop by hand with confluent-kafka", _ratio(ours, f"{job}-hand"),
                     most=0.60, most_when_fast=0.80)  # fmt: skip
        yield Target(f"{job}: to Kafka Streams, exactly_once_v2", _ratio(ours, f"{job}-kafka-streams-eos"),
                     most=0.20)  # fmt: skip
    yield Target("B: to the loop by hand", _ratio("B-dataflow", "B-hand"), most=0.45, most_when_fast=0.60)
    yield Target("T: CDN logs, all tables, to Kafka Streams with four of them, exactly_once_v2",
                 _ratio("T-cdn-logs", "T-kafka-streams-eos"), most=1 / 3)  # fmt: skip
    yield Target("T: access logs as shipped, to GoAccess", _ratio("T-access-logs", "B-goaccess"), most=1.0)


def _of_state() -> Iterator[Target]:
    yield Target(
        "R: recovery of a changelog", _figure("recovery entries/s"), least=500_000, unit=" entries/s"
    )
    for window in ("all", "day"):
        yield Target(f"Q: p99 of `window={window}` at 20,000 events/s", _figure(f"queries {window} p99"),
                     most=20, unit=" ms")  # fmt: skip
        yield Target(f"Q: p99 of `window={window}` while catching up", _figure(f"catching up {window} p99"),
                     most=20, unit=" ms")  # fmt: skip
    yield Target("answers a second, top ten of all time, nothing coming in", _figure("answers a second"),
                 least=500, unit=" a second")  # fmt: skip
    yield Target("answers a second at 5,000 lines/s", _figure("busy answers a second"), least=100,
                 unit=" a second")  # fmt: skip
    yield Target("p99 of these", _figure("busy answers p99"), most=50, unit=" ms")
    yield Target("K: CPU an event with 10 to 10⁵ keys a window, dearest to cheapest",
                 _spread([f"K-dataflow-{keys}" for keys in (10, 1_000, 100_000)]), most=1.15)  # fmt: skip
    yield Target("K: memory a key beside key and count, 10⁶ keys in an open window", _bytes_a_key, most=100,
                 unit=" bytes")  # fmt: skip


def _bytes_a_key(measured: Measured) -> float | None:
    few, many = (measured.peak_bytes(f"K-dataflow-{keys}") for keys in (10, 1_000_000))
    return None if few is None or many is None else (many - few) / 1_000_000 - KEY_AND_COUNT_BYTES


KEY_AND_COUNT_BYTES = 11 + 8


def _of_the_flow() -> Iterator[Target]:
    paced = ((50, 0.06, 70, 150), (500, 0.12, 70, 150), (5_000, 0.25, 70, 150), (20_000, 0.42, None, 250))
    for rate, cores, p50, p99 in paced:
        yield from _pace(rate, 4, cores, p50, p99)
    yield from _pace(500, 64, 0.15, 300, None)
    yield from _pace(5_000, 64, 0.35, 400, 1_000)
    yield from _pace(5_000, 256, None, 1_200, None)
    yield Target("S: CPU at 5,000 bookings/s, 64 partitions to 4",
                 partial(_quotient, "paced bookings 5000 64 cores", "paced bookings 5000 4 cores"),
                 most=1.15)  # fmt: skip


def _pace(
    rate: int, partitions: int, cores: float | None, p50: int | None, p99: int | None
) -> Iterator[Target]:
    key = f"paced bookings {rate} {partitions}"
    what = f"S: {rate:,} bookings/s, {partitions} partitions, "
    for name, unit, most in (("cores", "", cores), ("p50", " ms", p50), ("p99", " ms", p99)):
        if most is not None:
            is_cpu = name == "cores"  # what waits is not shorter where a processor is faster
            yield Target(f"{what}{name}", _figure(f"{key} {name}"), most=most, unit=unit, scaled=is_cpu)


TARGETS = (*_against_peers(), *_of_state(), *_of_the_flow())
