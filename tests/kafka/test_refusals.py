"""Refusals: a broker that lets nobody in is told by its cause at once, and a missing right by its name."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType
from harness.certificates import Authority
from harness.guarded_broker import BOB, Guarded, guarded_broker

from dataflow.cli.kafka import run_with_broker
from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port
from dataflow.errors import DataflowError, Misconfigured
from dataflow.kafka.admin import (
    DEFAULT_BYTES,
    RECORD_ROOM_BYTES,
    Admin,
    NewTopic,
    connect_admin,
    find_topics,
    with_admin,
)
from dataflow.kafka.clients import running
from dataflow.kafka.connection import connection
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.kafka.refusals import explain, find_refusal

AT_ONCE_SECONDS = 30  # of the minute that a broker is waited for


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Return a broker that asks who somebody is, and what he may do."""
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


PORTS = {
    "secure": lambda guarded: guarded.listener.address,
    "open": lambda guarded: guarded.broker.address,
    "unknown host": lambda _: "kafka.invalid:9092",
    "nobody": lambda _: f"127.0.0.1:{free_port()}",
}
BOBS = {"username": "bob", "password": "bob-secret"}
FAULTS = {
    "wrong password": ("secure", "sasl_ssl", {**BOBS, "password": "guessed"}, "does not let User:bob in"),
    "unknown user": ("secure", "sasl_ssl", {**BOBS, "username": "eve"}, "does not let User:eve in"),
    "unknown CA": ("secure", "sasl_ssl", {**BOBS, "ca": "other"}, "is not trusted: self-signed certificate"),
    "no CA": ("secure", "sasl_ssl", {**BOBS, "ca": None}, "expected one for that name by a CA of"),
    "plaintext to TLS": ("secure", "plaintext", {}, "speaks TLS; expected ssl or sasl_ssl for"),
    "password, not TLS": ("secure", "sasl_plaintext", BOBS, "speaks TLS; expected ssl or sasl_ssl"),
    "no user": ("secure", "ssl", {}, "asks for a user, by SASL PLAIN; expected sasl_ssl or"),
    "TLS to plaintext": ("open", "ssl", {}, "does not speak TLS; expected plaintext or sasl_plaintext for"),
    "user and TLS to plaintext": ("open", "sasl_ssl", BOBS, "does not speak TLS; expected plaintext or"),
    "user to plaintext": ("open", "sasl_plaintext", BOBS, "asks for no user; expected ssl or plaintext for"),
    "wrong mechanism": (
        "secure", "sasl_ssl", {**BOBS, "mechanism": "SCRAM-SHA-512"},
        "does not take SASL SCRAM-SHA-512; expected PLAIN for DATAFLOW_BROKER_SASL_MECHANISM",
    ),
    "unknown host": ("unknown host", "plaintext", {}, "host of kafka.invalid:9092 cannot be resolved ("),
    "nobody": ("nobody", "plaintext", {}, "nobody listens at 127.0.0.1:"),
}  # fmt: skip


def as_set(guarded: Guarded, folder: Path, fault: str) -> tuple[dict[str, object], str]:
    """Return a connection with this fault, and what is to be said about it."""
    port, security, given, told = FAULTS[fault]
    Authority(folder, "other")
    cas = {"own": guarded.listener.ca_file, "other": folder / "other.crt", None: None}
    ca_file = cas[given.get("ca", "own")] if security.endswith("ssl") else None
    given = {"mechanism": "PLAIN", **{name: value for name, value in given.items() if name != "ca"}}
    return connection([PORTS[port](guarded)], security=security, ca_file=ca_file, **given), told


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_stands_against_a_connection_is_named_with_what_to_change(
    guarded: Guarded, tmp_path: Path, fault: str
):
    """Each of these was `Unable to bootstrap`, after a minute."""
    reached, told = as_set(guarded, tmp_path, fault)
    refusal = await find_refusal(reached)
    assert refusal is not None
    assert told in refusal.text
    assert refusal.is_final is (fault not in ("unknown host", "nobody"))
    assert "guessed" not in refusal.text


async def test_who_is_let_in_is_refused_nothing(guarded: Guarded):
    """Else each of these causes could be one that is always told."""
    assert await find_refusal(guarded.as_bob) is None
    assert await find_refusal(connection([guarded.broker.address])) is None


async def test_an_address_that_brokers_name_for_themselves_is_told_where_nobody_listens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Everybody's first fault with Kafka: a worker said "node which is not ready" for ever, no address."""
    elsewhere = f"127.0.0.1:{free_port()}"
    properties = {"advertised.listeners": f"PLAINTEXT://{elsewhere}"}
    broker = EmbeddedBroker(tmp_path / "broker", properties=properties)
    broker.start()
    try:
        broker.wait_ready()
        told = (
            f"brokers of {broker.address} name other addresses for themselves (advertised.listeners): nobody"
        )
        refusal = await find_refusal(connection([broker.address]))
        assert refusal is not None
        assert refusal.text.startswith(f"{told} listens at {elsewhere}")
        asking = asyncio.create_task(with_admin(connection([broker.address]), Admin.partition_counts))
        while told not in caplog.text:
            await asyncio.wait([asking], timeout=0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    finally:
        broker.kill()


async def test_one_address_that_lets_us_in_is_enough(guarded: Guarded):
    """Of three brokers one may be away."""
    assert await find_refusal(connection([f"127.0.0.1:{free_port()}", guarded.broker.address])) is None


async def test_a_start_ends_at_once_where_waiting_does_not_help(guarded: Guarded, tmp_path: Path):
    """A worker waited for a minute for a password to become right."""
    reached, told = as_set(guarded, tmp_path, "wrong password")
    began = monotonic()
    with pytest.raises(Misconfigured, match=f"lets nobody in: .*{told}"):
        await connect_admin(reached)
    assert monotonic() - began < AT_ONCE_SECONDS


def test_a_command_says_it_too(guarded: Guarded, tmp_path: Path):
    """It named the broker only."""
    reached, told = as_set(guarded, tmp_path, "wrong mechanism")

    async def work() -> None:
        async with running(Admin(reached)):
            pass

    with pytest.raises(DataflowError, match=told):
        run_with_broker(reached, work())


async def test_each_right_that_is_missing_is_named_with_resource_and_principal(
    guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """`expected a broker with transactions` sent people to look for another broker."""
    name, reached = unique("right"), guarded.as_bob
    guarded.kafka.create_topics(name, 1)
    with guarded.denied(ResourceType.TRANSACTIONAL_ID, name, AclOperation.WRITE):
        producer = ManagedProducer(reached, None)
        starting = asyncio.create_task(producer.start(name))
        told = f"{BOB} is denied operation WRITE on transactional id {name}; expected an ACL that allows it"
        async with asyncio.timeout(AT_ONCE_SECONDS):
            while told not in caplog.text:
                assert not starting.done(), starting
                await asyncio.sleep(0.05)
    async with asyncio.timeout(AT_ONCE_SECONDS):
        await starting  # the right is there again
    await producer.stop()
    async with running(Admin(reached)) as admin:
        with guarded.denied(ResourceType.GROUP, name, AclOperation.ALL):
            with pytest.raises(Exception, match="Group") as raised:
                await admin.members(name)
            told = await explain(raised.value, reached)
            assert told.startswith(f"{BOB} is denied operation READ on group {name}; expected an ACL"), told
        with (
            guarded.denied(ResourceType.TOPIC, name, AclOperation.DESCRIBE_CONFIGS),
            pytest.raises(Misconfigured, match=f"{name}.*{BOB} is denied operation DESCRIBE_CONFIGS on it"),
        ):
            await admin.configs({name: ["cleanup.policy"]})
        with (
            guarded.denied(ResourceType.BROKER, "kafka-cluster", AclOperation.CREATE),
            guarded.denied(ResourceType.TOPIC, f"{name}-new", AclOperation.CREATE),
            pytest.raises(Misconfigured, match=f"{name}-new.*{BOB} is denied operation CREATE on it"),
        ):
            await admin.create_topics([NewTopic(f"{name}-new", 1, {})])


async def test_one_topic_whose_settings_are_hidden_hides_those_of_no_other(
    guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """For want of one right nothing could be sent to any topic, and no changelog was looked at."""
    hidden, other = unique("hidden"), unique("other")
    guarded.kafka.create_topics([hidden, other], 1)
    with guarded.denied(ResourceType.TOPIC, hidden, AclOperation.DESCRIBE_CONFIGS):
        async with running(Admin(guarded.as_bob)) as admin:
            asked = {name: ["cleanup.policy"] for name in (hidden, other)}
            assert await admin.readable_configs(asked) == {other: {"cleanup.policy": "delete"}}
        assert f"{BOB} to be allowed operation DESCRIBE_CONFIGS" in caplog.text
        known = await find_topics(guarded.as_bob, [hidden, other])
    assert {known[name].most_bytes for name in (hidden, other)} == {DEFAULT_BYTES - RECORD_ROOM_BYTES}
