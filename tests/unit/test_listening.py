"""Listening: a port that is taken, and an address that is not ours, are named with their settings."""

import socket

import pytest

from dataflow.demo.broker.ports import free_port
from dataflow.errors import Misconfigured
from dataflow.web_server import listen


def test_a_free_port_is_listened_on():
    """And free again once its socket is closed."""
    port = free_port()
    for _ in range(2):
        with listen("DATAFLOW_WEB_PORT", "127.0.0.1", port) as listening:
            assert listening.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize(("host", "from_where"), [("::1", ["::1"]), ("::", ["::1", "127.0.0.1"])])
def test_ipv6_addresses_are_listened_on(host: str, from_where: list[str]):
    """`::` is all addresses, as 0.0.0.0: others reach a worker by a name, which may be an IPv4 address."""
    with listen("DATAFLOW_WEB_PORT", host, 0) as listening:
        for address in from_where:
            socket.create_connection((address, listening.getsockname()[1])).close()


def test_a_port_that_is_taken_is_named():
    """A second start is the mistake that everybody makes."""
    with listen("DATAFLOW_WEB_PORT", "127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        expected = (
            rf"^DATAFLOW_WEB_PORT is {port} \(Address already in use\); expected a port that is free on 127"
        )
        with pytest.raises(Misconfigured, match=expected):
            listen("DATAFLOW_WEB_PORT", "127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "2001:db8::1"])
def test_an_address_that_is_not_ours_is_named(host: str):
    """The port is not at fault."""
    with pytest.raises(
        Misconfigured, match=rf"^DATAFLOW_WEB_HOST is '{host}' \(.*; expected an address of this"
    ):
        listen("DATAFLOW_WEB_PORT", host, 0)
