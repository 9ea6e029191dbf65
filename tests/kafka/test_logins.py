"""Logins: each kind by which a broker lets clients in, and what is said of one that it refuses."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from harness.certificates import Authority
from harness.login_broker import PASSWORD, LoginBroker, login_broker
from harness.token_endpoint import CLIENT, SECRET, TokenEndpoint, token_endpoint, unsecured_token
from harness.workers import running_worker

from dataflow.connection import broker_connection
from dataflow.kafka.clients import running
from dataflow.kafka.refusals import find_refusal
from dataflow.settings import read_settings

pytestmark = pytest.mark.long

Given = Mapping[str, str]
TOKEN_SECONDS = 4.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginBroker]:
    """Return a broker that lets nobody in without a login."""
    with login_broker(tmp_path_factory.mktemp("logins")) as broker:
        yield broker


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[type[TokenEndpoint], Path]]:
    """Return a token endpoint, and the CA that it is trusted by."""
    folder = tmp_path_factory.mktemp("tokens")
    with token_endpoint(folder) as handler:
        yield handler, folder / "ca.crt"


@pytest.fixture
def login_of(
    guarded: LoginBroker, endpoint: tuple[type[TokenEndpoint], Path], tmp_path: Path
) -> Callable[..., dict[str, str]]:
    """Return the settings of a kind of login, as they are right or with others in their place."""
    handler, endpoint_ca = endpoint
    file = tmp_path / "token"
    file.write_text(unsecured_token("token", 60) + "\n")
    bearer = {"SASL_MECHANISM": "OAUTHBEARER"}
    logins: dict[str, Given] = {
        "PLAIN": {"SASL_MECHANISM": "PLAIN", "USERNAME": "plain", "PASSWORD": PASSWORD},
        "SCRAM-SHA-256": {"SASL_MECHANISM": "SCRAM-SHA-256", "USERNAME": "scram-256", "PASSWORD": PASSWORD},
        "SCRAM-SHA-512": {"USERNAME": "scram-512", "PASSWORD": PASSWORD},
        "token file": {**bearer, "TOKEN_FILE": str(file)},
        "token endpoint": {
            **bearer,
            "TOKEN_URL": f"https://localhost:{handler.port}/token",
            "TOKEN_CA_FILE": str(endpoint_ca),
            "TOKEN_SCOPE": "kafka",
            "USERNAME": CLIENT,
            "PASSWORD": SECRET,
        },
        "mutual TLS": {
            "CERT_FILE": str(guarded.folder / "mutual.crt"),
            "KEY_FILE": str(guarded.folder / "mutual.key"),
        },
    }

    def settings_of(kind: str, **others: str) -> dict[str, str]:
        is_mutual = kind == "mutual TLS"
        given = {
            "SECURITY": "ssl" if is_mutual else "sasl_ssl",
            "CA_FILE": str(guarded.folder / "ca.crt"),
            **logins[kind],
            **others,
        }
        address = {"DATAFLOW_BROKER": guarded.mutual if is_mutual else guarded.sasl}
        return address | {f"DATAFLOW_BROKER_{name}": value for name, value in given.items() if value}

    return settings_of


def connection_of(given: Given, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return what a worker with these settings makes of them."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return broker_connection(read_settings())


KINDS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "token file", "token endpoint", "mutual TLS")


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_login_is_let_in(
    guarded: LoginBroker, login_of, monkeypatch: pytest.MonkeyPatch, unique, kind: str
):
    """By its own name: the broker gives rights to these names, and to nobody else."""
    topic = unique("login")
    guarded.kafka.create_topics(topic, 1)
    reached = connection_of(login_of(kind), monkeypatch)
    assert await find_refusal(reached) is None
    async with running(AIOKafkaProducer(**reached)) as producer:
        await producer.send_and_wait(topic, kind.encode())
    async with running(AIOKafkaConsumer(topic, **reached, auto_offset_reset="earliest")) as consumer:
        assert (await consumer.getone()).value == kind.encode()


def of_another_ca(folder: Path) -> tuple[str, str]:
    """Return the files of a certificate that the broker does not trust, and its key."""
    Authority(folder, "stranger-ca").issue("stranger")
    return str(folder / "stranger.crt"), str(folder / "stranger.key")


def written(folder: Path, text: str) -> str:
    """Return a file with this text."""
    (folder / "other-token").write_text(text)
    return str(folder / "other-token")


NO_LOGIN = "does not let {} in: "
FAULTS: dict[str, tuple[str, Callable[[Path], Given], str]] = {
    "PLAIN password": ("PLAIN", lambda _: {"PASSWORD": "guessed"}, NO_LOGIN.format("User:plain")),
    "SCRAM-256 password": (
        "SCRAM-SHA-256", lambda _: {"PASSWORD": "guessed"}, NO_LOGIN.format("User:scram-256")
    ),
    "SCRAM-512 password": (
        "SCRAM-SHA-512", lambda _: {"PASSWORD": "guessed"}, NO_LOGIN.format("User:scram-512")
    ),
    "unknown SCRAM user": ("SCRAM-SHA-512", lambda _: {"USERNAME": "eve"}, NO_LOGIN.format("User:eve")),
    "token that has expired": (
        "token file",
        lambda folder: {"TOKEN_FILE": written(folder, unsecured_token("token", -60))},
        "does not let the user of our token in: ",
    ),
    "no token": (
        "token file",
        lambda folder: {"TOKEN_FILE": written(folder, "secret but no token")},
        "expected a token that it trusts, by DATAFLOW_BROKER_TOKEN_FILE or",
    ),
    "empty token file": (
        "token file", lambda folder: {"TOKEN_FILE": written(folder, "\n")}, "which is empty; expected a token"
    ),
    "client secret": (
        "token endpoint",
        lambda _: {"PASSWORD": "guessed"},
        "answers 401 (invalid_client: no such client); expected a token for the client of DATAFLOW_BROKER_",
    ),
    "scope": ("token endpoint", lambda _: {"TOKEN_SCOPE": ""}, "answers 400 (invalid_scope); expected"),
    "CA of the endpoint": ("token endpoint", lambda _: {"TOKEN_CA_FILE": ""}, "does not answer: [SSL: CERT"),
    "endpoint that is away": (
        "token endpoint", lambda _: {"TOKEN_URL": "http://127.0.0.1:1/"}, "does not answer: [Errno 111]"
    ),
    "no certificate": (
        "mutual TLS", lambda _: {"CERT_FILE": "", "KEY_FILE": ""}, "does not accept our certificate, or that"
    ),
    "certificate of another CA": (
        "mutual TLS",
        lambda folder: dict(zip(("CERT_FILE", "KEY_FILE"), of_another_ca(folder), strict=True)),
        "expected one that it trusts in DATAFLOW_BROKER_CERT_FILE",
    ),
    "CA of the broker": (
        "mutual TLS",
        lambda folder: of_another_ca(folder) and {"CA_FILE": str(folder / "stranger-ca.crt")},
        "is not trusted: ",
    ),
    "no TLS": (
        "mutual TLS",
        lambda _: {"SECURITY": "plaintext", "CA_FILE": "", "CERT_FILE": "", "KEY_FILE": ""},
        "speaks TLS; expected ssl or sasl_ssl",
    ),
}  # fmt: skip
MAY_PASS = {"empty token file", "CA of the endpoint", "endpoint that is away"}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_wrong_with_a_login_is_named(
    login_of, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
):
    """A refused token was taken for accepted, and cut off later; no secret is in the words.

    No connection is left open by asking, which the garbage collector would tell much later.
    """
    kind, others, told = FAULTS[fault]
    reached = connection_of(login_of(kind, **others(tmp_path)), monkeypatch)
    opened: list[AIOKafkaConnection] = []
    connect = AIOKafkaConnection.connect
    monkeypatch.setattr(AIOKafkaConnection, "connect", lambda one: (opened.append(one), connect(one))[1])
    refusal = await find_refusal(reached)
    assert opened
    assert [one for one in opened if one._protocol and not one._closed_fut.done()] == []
    assert refusal is not None
    assert told in refusal.text
    assert refusal.is_final is (fault not in MAY_PASS)
    for secret in ("guessed", SECRET, "secret but no token"):
        assert secret not in refusal.text


def test_a_worker_goes_on_over_the_end_of_its_tokens(
    guarded: LoginBroker, endpoint, login_of, tmp_path: Path, unique
):
    """A broker cuts off whoever goes on after the end of a token: each event still counts once."""
    handler, _ = endpoint
    app_id, topic = unique("tokens"), "expedia"
    given = {**login_of("token endpoint"), "DATAFLOW_STREAMS": "bookings"}
    handler.seconds = TOKEN_SECONDS
    try:
        with running_worker(given.pop("DATAFLOW_BROKER"), tmp_path, app_id, **given) as worker:
            worker.wait_ready()
            begun, given_before, sent = time.monotonic(), handler.given, 0
            while handler.given < given_before + 3:
                assert time.monotonic() < begun + 60
                guarded.kafka.produce(topic, [b"{}"] * 10)
                sent += 10
                time.sleep(0.1)
            worker.wait_counted({topic: sent})
            worker.wait_ready()
            assert '"level":"error"' not in worker.log.read_text().replace(" ", "")
    finally:
        handler.seconds = 3600.0
