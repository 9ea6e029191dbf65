"""Settings of the broker: its address, and how it lets a worker in."""

import pytest

from dataflow.settings import read_settings

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("kafka:9092", "kafka:9092"),
        ("a:1, b:65535", "a:1,b:65535"),
        ("[::1]:9092", "[::1]:9092"),
    ],
)
def test_brokers_are_host_and_port(monkeypatch, text, broker):
    """Spaces after a comma are how people write."""
    monkeypatch.setenv("DATAFLOW_BROKER", text)
    assert read_settings().broker == broker


@pytest.mark.parametrize("text", ["kafka", "kafka:", ":9092", "a:0", "a:65536", "a:1,,b:2", "kafka://a:1"])
def test_what_is_not_host_and_port_is_refused(faults_of, text):
    """Else the first sign of it is a client that never connects."""
    assert len(faults_of(DATAFLOW_BROKER=text)) == 1


SASL = {"DATAFLOW_BROKER": "a:1", "DATAFLOW_BROKER_SECURITY": "sasl_ssl"}
BEARER = {"DATAFLOW_BROKER_SASL_MECHANISM": "OAUTHBEARER"}
PASSWORD = {"DATAFLOW_BROKER_USERNAME": "u", "DATAFLOW_BROKER_PASSWORD": "p"}


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        (
            {"DATAFLOW_BROKER_SECURITY": "sasl_ssl"},
            {"BROKER", "BROKER_USERNAME", "BROKER_PASSWORD"},
        ),
        ({"DATAFLOW_BROKER_SECURITY": "ssl"}, {"BROKER"}),
        ({"DATAFLOW_BROKER_USERNAME": "u"}, {"BROKER_USERNAME"}),
        ({"DATAFLOW_BROKER_TOKEN_FILE": __file__}, {"BROKER_TOKEN_FILE"}),
        ({**SASL, **PASSWORD, "DATAFLOW_BROKER_TOKEN_URL": "https://a/"}, {"BROKER_TOKEN_URL"}),
        ({**SASL, **BEARER}, {"BROKER_TOKEN_FILE"}),
        ({**SASL, **BEARER, **PASSWORD}, {"BROKER_TOKEN_FILE"}),
        (
            {**SASL, **BEARER, **PASSWORD, "DATAFLOW_BROKER_TOKEN_FILE": __file__},
            {"BROKER_USERNAME", "BROKER_PASSWORD"},
        ),
        (
            {**SASL, **BEARER, "DATAFLOW_BROKER_TOKEN_URL": "https://a/"},
            {"BROKER_USERNAME", "BROKER_PASSWORD"},
        ),
        (
            {
                **SASL,
                **BEARER,
                **PASSWORD,
                "DATAFLOW_BROKER_TOKEN_FILE": __file__,
                "DATAFLOW_BROKER_TOKEN_URL": "https://a/",
            },
            {"BROKER_TOKEN_FILE"},
        ),
        ({**SASL, **BEARER, **PASSWORD, "DATAFLOW_BROKER_TOKEN_URL": "a:1"}, {"BROKER_TOKEN_URL"}),
        ({**SASL, **BEARER, **PASSWORD, "DATAFLOW_BROKER_TOKEN_URL": "http://a/"}, {"BROKER_TOKEN_URL"}),
        (
            {**SASL, **BEARER, **PASSWORD, "DATAFLOW_BROKER_TOKEN_URL": "HTTP://[2001:db8::1]:80/t"},
            {"BROKER_TOKEN_URL"},
        ),
        (
            {**SASL, **BEARER, **PASSWORD, "DATAFLOW_BROKER_TOKEN_URL": "http://127.0.0.1.a.example/"},
            {"BROKER_TOKEN_URL"},
        ),
        ({"DATAFLOW_BROKER_CA_FILE": __file__}, {"BROKER_CA_FILE"}),
        (
            {
                "DATAFLOW_BROKER": "a:1",
                "DATAFLOW_BROKER_SECURITY": "ssl",
                "DATAFLOW_BROKER_KEY_FILE": __file__,
            },
            {"BROKER_CERT_FILE"},
        ),
    ],
)
def test_settings_of_the_broker_fit_each_other(faults_of, environment, missing):
    """A password that is silently not used, or sent in clear, is found by nobody."""
    assert {fault.split()[0].removeprefix("DATAFLOW_") for fault in faults_of(**environment)} == missing


def test_a_password_is_in_no_error_and_no_repr(faults_of, monkeypatch):
    """Errors and reprs end in logs."""
    told = faults_of(DATAFLOW_BROKER_PASSWORD="hush", DATAFLOW_WEB_PORT="x")
    assert "hush" not in "\n".join(told)
    monkeypatch.delenv("DATAFLOW_WEB_PORT")
    monkeypatch.setenv("DATAFLOW_BROKER", "a:1")
    monkeypatch.setenv("DATAFLOW_BROKER_SECURITY", "sasl_plaintext")
    monkeypatch.setenv("DATAFLOW_BROKER_USERNAME", "u")
    assert "hush" not in repr(read_settings())
