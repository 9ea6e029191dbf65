"""HTTP ingest: a worker that only receives in; CPU a line and requests a CPU second out."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import bcrypt
from contest import Arena
from flows.flow import Shipped
from machine import cpu_seconds
from promise import Promise, Sizes
from senders import Sent, request_of, send
from worker import shipped_worker, wait_until_ready

from dataflow.demo.samples import sample_events

USER, PASSWORD = "akamai", "a long enough password"
STREAM = "cdn-logs"
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """So many senders, each with the same body again and again; what may be promised of it."""

    name: str
    lines: int
    senders: int
    packed: bool = False
    most_us_a_line: float | None = None
    fewest_requests_a_second: int | None = None
    """Of CPU."""

    @property
    def request(self) -> bytes:
        """The whole request."""
        body = b"\n".join(sample_events(STREAM)[: self.lines])
        return request_of(gzip.compress(body) if self.packed else body, USER, PASSWORD, packed=self.packed)


LOADS = (
    Load("gzip bodies of 1,000 lines, 8 senders", 1_000, 8, packed=True, most_us_a_line=6.0),
    Load("plain bodies of 1,000 lines, 8 senders", 1_000, 8, most_us_a_line=6.0),
    Load("bodies of 3 lines, 64 senders", 3, 64, fewest_requests_a_second=2_500),
    Load("bodies of 3 lines, 2,500 senders", 3, 2_500),
)


def ingest(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Send every load to one worker; in the end every line must be in the topic, once."""
    with TemporaryDirectory(prefix="bench-") as made:
        access = Path(made) / "access.toml"
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
        access.write_text(f'[users.{USER}]\npassword = "{hashed}"\nroles = ["send"]\n')
        flow = Shipped(arena.cluster, "bench-ingest", STREAM, {}, role="ingest", access_file=str(access))
        with shipped_worker(flow) as (child, port):
            wait_until_ready(child, port)
            accepted = refused = 0
            for load in LOADS:
                warmed_up = send(port, load.request, load.senders, WARM_UP_SECONDS)
                before = cpu_seconds(child.pid)
                sent = send(port, load.request, load.senders, sizes.ingest_seconds)
                accepted += (warmed_up.requests + sent.requests) * load.lines
                refused += warmed_up.refused + sent.refused
                yield _promise(load, sent, cpu_seconds(child.pid) - before)
        stored = sum(arena.cluster.ends([STREAM]))
    yield Promise(
        "lines accepted by HTTP and stored; requests refused",
        f"{accepted:,} and {stored:,}; {refused:,}",
        "all, once; none",
        accepted == stored and not refused,
    )


def _promise(load: Load, sent: Sent, cpu: float) -> Promise:
    us_a_line, requests_a_second = cpu / (sent.requests * load.lines) * 1e6, sent.requests / cpu
    promised, holds = "–", True
    if load.most_us_a_line is not None:
        promised, holds = f"≤ {load.most_us_a_line:g} µs CPU a line", us_a_line <= load.most_us_a_line
    elif load.fewest_requests_a_second is not None:
        promised = f"≥ {load.fewest_requests_a_second:,} requests a CPU second"
        holds = requests_a_second >= load.fewest_requests_a_second
    return Promise(
        f"POST /ingest, {load.name}",
        f"{us_a_line:.2f} µs CPU a line, {requests_a_second:,.0f} requests a CPU second; "
        f"{sent.requests / sent.seconds:,.0f} requests/s, slowest {sent.slowest_seconds * 1e3:,.0f} ms",
        promised,
        holds,
    )
