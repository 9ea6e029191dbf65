"""HTTPS: one certificate for all that a worker answers, among workers too, replaced while it runs."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from chaos.cluster import Cluster, running_cluster
from chaos.waiting import wait_until
from chaos.worker import Worker
from harness.certificates import Authority
from sources.senders import READY_SECONDS, Answer, curl

from dataflow.demo.broker.ports import free_port
from dataflow.demo.samples import sample_events

pytestmark = pytest.mark.long

BOOKINGS = 200


@dataclass(frozen=True, slots=True)
class Secure:
    """Two workers that share the partitions, with certificates in a folder."""

    cluster: Cluster
    files: Path
    plain_port: int

    @property
    def workers(self) -> list[Worker]:
        """The first also has a plain port."""
        return self.cluster.workers

    def curl(self, path: str, *options: str, data: bytes | None = None) -> Answer:
        """Ask the first worker by HTTPS."""
        url = f"{self.workers[0].url}{path}"
        return curl(url, "--cacert", str(self.files / "ca.crt"), *options, data=data)

    def connect(self) -> HTTPSConnection:
        """Return a connection to the first worker that stays open."""
        trusted = ssl.create_default_context(cafile=self.files / "ca.crt")
        return HTTPSConnection("127.0.0.1", self.workers[0].port, timeout=30, context=trusted)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """Return two workers with a certificate, which have counted some bookings."""
    files, plain_port = tmp_path_factory.mktemp("certificates"), free_port()
    Authority(files, "ca").issue("server").issue("client")
    Authority(files, "other").issue("stranger")
    settings = {
        "web_tls_cert_file": str(files / "server.crt"),
        "web_tls_key_file": str(files / "server.key"),
        "web_tls_client_ca_file": str(files / "ca.crt"),
        "web_tls_ca_file": str(files / "ca.crt"),
    }
    with running_cluster(tmp_path_factory.mktemp("https"), **settings) as cluster:
        cluster.start_worker(web_plain_port=str(plain_port))
        cluster.start_worker()
        for worker in cluster.workers:
            worker.wait_ready(READY_SECONDS)
        yield Secure(cluster, files, plain_port)


def client_of(secure: Secure, name: str) -> list[str]:
    """Return options of curl for a client certificate."""
    return ["--cert", str(secure.files / f"{name}.crt"), "--key", str(secure.files / f"{name}.key")]


def missing(secure: Secure) -> list[int]:
    """Return the partitions of which the first worker got no answer."""
    return secure.curl("/streams").json["partitions"]["expedia"]["missing"]


def test_what_is_sent_by_https_is_counted_by_all_workers_together(secure: Secure):
    """Workers ask one another at their advertised addresses, by HTTPS, or partitions would be missing."""
    body = b"\n".join(sample_events("expedia")[:BOOKINGS])
    assert secure.curl("/ingest/bookings", data=body).json["accepted"] == BOOKINGS

    def is_counted() -> bool:
        answer = secure.curl("/tables/stays_per_category?window=all").json
        counts = [entry["count"] for window in answer["windows"] for entry in window["entries"]]
        return not answer["partitions"]["missing"] and sum(counts) == BOOKINGS

    wait_until(is_counted, 60, lambda: f"all counts; {secure.cluster.tails()}")
    assert "do not trust" not in secure.workers[0].said()


@pytest.mark.parametrize("path", ["/", "/rules", "/streams", "/metrics", "/healthz", "/dead-letters"])
def test_every_route_is_served_by_https_and_none_in_clear_on_that_port(secure: Secure, path: str):
    """The listener of before served senders only: whoever edited rules sent the password in clear."""
    assert secure.curl(path).status == 200
    assert curl(f"http://127.0.0.1:{secure.workers[0].port}{path}").status == 0
    assert curl(f"http://127.0.0.1:{secure.plain_port}{path}").status == 200


def test_a_certificate_of_another_authority_is_refused(secure: Secure):
    """One of ours is not asked for, but one of a stranger never gets as far as a route."""
    assert secure.curl("/streams", *client_of(secure, "client")).status == 200
    assert secure.curl("/streams", *client_of(secure, "stranger")).status == 0


def test_a_client_certificate_is_an_identity_and_opens_nothing_to_others(secure: Secure, tmp_path: Path):
    """It let nobody in by itself, and whoever opened the worker for it opened plain HTTP, too."""
    access, plain_port = tmp_path / "access.toml", free_port()
    access.write_text('[certificates.client]\nroles = ["send:bookings"]\n')
    closed = {"role": "ingest", "access_file": str(access), "open_roles": ""}
    worker = secure.cluster.start_worker(**closed, web_plain_port=str(plain_port)).wait_ready(READY_SECONDS)
    trust, shown = ["--cacert", str(secure.files / "ca.crt")], client_of(secure, "client")

    def sent(url: str, *options: str) -> int:
        return curl(url, *options, data=b'{"a":1}').status

    assert sent(f"{worker.url}/ingest/bookings", *trust, *shown) == 200
    assert sent(f"{worker.url}/ingest/access-logs", *trust, *shown) == 403
    assert sent(f"{worker.url}/ingest/bookings", *trust) in (401, 403)
    assert sent(f"http://127.0.0.1:{plain_port}/ingest/bookings", *shown) in (401, 403)
    assert worker.stop() == 0


def test_commands_ask_by_https(secure: Secure):
    """With the settings of the worker, or with an address and the authority to trust."""
    environment = secure.workers[0].environment
    for options in ([], ["--url", f"https://localhost:{secure.workers[1].port}"]):
        asked = subprocess.run(
            [sys.executable, "-m", "dataflow", "tables", *options],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr.decode()
        assert "stays_per_category" in asked.stdout.decode()


def test_no_noise_of_what_speaks_no_tls(secure: Secure):
    """Scanners come every minute; each would have had a traceback."""
    before = len(secure.workers[0].said())
    for url in (f"http://127.0.0.1:{secure.workers[0].port}/", secure.workers[0].url):
        assert curl(url).status == 0  # curl does not trust our authority unasked
    assert secure.curl("/streams").status == 200
    assert "Traceback" not in secure.workers[0].said()[before:]


def test_a_renewed_certificate_is_taken_over_while_it_runs_and_breaks_no_connection(secure: Secure):
    """A broken one is not, and the one before stays; the log names the file and the reason."""

    def serial() -> str:
        with closing(secure.connect()) as connection:
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            return str(connection.sock.getpeercert()["serialNumber"])

    with closing(secure.connect()) as kept:
        kept.request("GET", "/streams")
        assert json.load(kept.getresponse())
        before, certificate = serial(), secure.files / "server.crt"
        certificate.write_bytes(certificate.read_bytes()[:200])
        refused = f"file {certificate} cannot be used: "
        wait_until(lambda: refused in secure.workers[0].said(), 30, "a warning")
        assert serial() == before
        Authority(secure.files, "ca").issue("server").issue("client")
        wait_until(lambda: "New content of a file is in use." in secure.workers[0].said(), 30, "a new one")
        assert serial() != before
        kept.request("GET", "/streams")
        assert json.load(kept.getresponse())
    wait_until(lambda: not missing(secure), 30, "all partitions, as workers ask one another by the new one")
