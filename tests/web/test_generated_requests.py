"""Generated requests: no path, query, header or body is answered with 500, whatever the role of a worker."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from harness.workers import WORKER_SECRET, Worker, running_worker
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from web.conftest import create_topics
from web.generated_requests import Sent, broken_requests, own_routes, sent_requests, statuses_in

from dataflow.access.worker_proof import proof_headers
from dataflow.demo.broker import EmbeddedBroker
from dataflow.web.routes import EVERY_WORKER, SENDERS

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ROUTES = own_routes([*EVERY_WORKER, *SENDERS])
EXAMPLES = 400
QUIET_SECONDS = 0.3
NOBODY = "http://127.0.0.1:9"
ROLES: Mapping[str, Mapping[str, str]] = {
    "all": {},
    "enrich": {},
    "ingest": {},
    "sink-csv": {},
    "sink-postgres": {"DATAFLOW_POSTGRES_URL": "postgresql://user:password@127.0.0.1:9/nobody"},
    "sink-s3": {
        "DATAFLOW_S3_BUCKET": "nobody",
        "DATAFLOW_S3_ENDPOINT": NOBODY,
        "DATAFLOW_S3_ACCESS_KEY": "key",
        "DATAFLOW_S3_SECRET_KEY": "password",
    },
    "sink-opensearch": {"DATAFLOW_OPENSEARCH_URL": NOBODY},
}
"""Each with its settings: the server of a sink is away, as on the day when somebody looks why."""

examples = settings(
    deadline=None,  # a busy machine
    max_examples=EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@contextmanager
def workers(broker: EmbeddedBroker, folder: Path) -> Iterator[dict[str, Worker]]:
    """Run a worker of each kind of role on a broker."""
    create_topics(broker, partitions=1)
    with ExitStack() as running:
        yield {
            role: running.enter_context(
                running_worker(
                    broker.address,
                    folder,
                    f"role-{role}",
                    DATAFLOW_ROLE=role,
                    DATAFLOW_CSV_DIR=str(folder / "csv"),
                    **settings_of,
                )
            )
            for role, settings_of in ROLES.items()
        }


def status_of(worker: Worker, sent: Sent) -> int:
    """Send a request as another worker does; return the status of its answer."""
    connection = HTTPConnection(worker.host, worker.port, timeout=60)
    try:
        connection.putrequest(sent.method, sent.target, skip_accept_encoding=True)
        proof = proof_headers(WORKER_SECRET, sent.method, f"{worker.url}{sent.target}")
        named = {name.lower() for name, _ in sent.headers}
        for name, value in proof.items():
            if name.lower() not in named:
                connection.putheader(name, value)
        for name, value in sent.headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(sent.body)))
        connection.endheaders(sent.body)
        return connection.getresponse().status
    finally:
        connection.close()


def is_fault(status: int) -> bool:
    """Tell whether the worker says that it is at fault; 503 says that another server is away."""
    return status >= 500 and status != 503


def hold(worker: Worker, sent: Sent) -> None:
    """Hold that a request is answered, and not by a fault."""
    assert not is_fault(status_of(worker, sent)), sent


def test_no_request_is_a_fault_of_a_worker(own_broker: EmbeddedBroker, tmp_path: Path):
    """`?limit=` with 4,301 digits was one; a list of what is known to break finds no more than itself."""
    with workers(own_broker, tmp_path) as by_role:
        for worker in by_role.values():
            worker.wait_for("/readyz", lambda reply: b"is starting" not in reply.body)

        @examples
        @given(st.sampled_from([*ROLES]), sent_requests(ROUTES))
        def asked(role: str, sent: Sent) -> None:
            hold(by_role[role], sent)

        asked()
        for worker in by_role.values():
            assert "Traceback" not in worker.log.read_text()
            assert worker.get("/healthz").status == 200


def answer_to(worker: Worker, raw: bytes) -> bytes:
    """Send bytes and no more; return what comes before the worker closes, or waits for more."""
    answer = bytearray()
    with socket.create_connection((worker.host, worker.port)) as connection, suppress(OSError):
        connection.sendall(raw)
        connection.settimeout(QUIET_SECONDS)
        while piece := connection.recv(65_536):
            answer += piece
    return bytes(answer)


def test_nothing_that_is_hardly_http_is_a_fault_of_a_worker(alone: Worker):
    """Odd methods, and lengths and chunks that contradict one another, come from scanners and attackers."""
    answered = set[int]()

    @examples
    @given(broken_requests())
    def sent(raw: bytes) -> None:
        answer = answer_to(alone, raw)
        answered.update(statuses_in(answer))
        assert not any(map(is_fault, statuses_in(answer))), raw

    sent()
    assert answered
    assert alone.get("/healthz").status == 200
    assert "Traceback" not in alone.log.read_text()


AMBIGUOUS = (
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5, 6",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding : chunked",
    b"Content-Length: +5",
)


def test_a_body_whose_end_is_not_clear_hides_no_second_request(alone: Worker):
    """A proxy in front may see another end than the worker: what follows would be somebody else's request."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for head in AMBIGUOUS:
        raw = b"POST /ingest HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n0\r\n\r\n" + hidden
        assert list(statuses_in(answer_to(alone, raw))) == [400], head
