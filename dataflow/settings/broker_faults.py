"""Faults of the broker's settings: what its security requires or excludes, a plain line for each."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from dataflow.engine.address import is_loopback
from dataflow.masking import masked_setting

_TLS_FILES = ("DATAFLOW_BROKER_CA_FILE", "DATAFLOW_BROKER_CERT_FILE", "DATAFLOW_BROKER_KEY_FILE")
_USER_AND_PASSWORD = ("DATAFLOW_BROKER_USERNAME", "DATAFLOW_BROKER_PASSWORD")
_TOKEN_FILE, _TOKEN_URL = "DATAFLOW_BROKER_TOKEN_FILE", "DATAFLOW_BROKER_TOKEN_URL"
_OF_TOKEN_URL = ("DATAFLOW_BROKER_TOKEN_SCOPE", "DATAFLOW_BROKER_TOKEN_CA_FILE")
_TOKENS = (_TOKEN_FILE, _TOKEN_URL, *_OF_TOKEN_URL)


def broker_contradictions(given: Mapping[str, str]) -> Iterator[str]:
    """Yield a fault for each setting of the broker that another one requires or excludes."""
    security = given.get("DATAFLOW_BROKER_SECURITY", "plaintext")
    because = f"DATAFLOW_BROKER_SECURITY is '{masked_setting(security)}'"
    if security != "plaintext" and "DATAFLOW_BROKER" not in given:
        yield f"DATAFLOW_BROKER is not set; expected host:port, for {because}"
    if not security.startswith("sasl_"):
        expected = "sasl_ssl or sasl_plaintext for DATAFLOW_BROKER_SECURITY"
        yield from _excluded(given, (*_USER_AND_PASSWORD, *_TOKENS), expected)
    elif given.get("DATAFLOW_BROKER_SASL_MECHANISM") == "OAUTHBEARER":
        yield from _token_faults(given)
    else:
        yield from _required(given, _USER_AND_PASSWORD, because)
        yield from _excluded(given, _TOKENS, "OAUTHBEARER for DATAFLOW_BROKER_SASL_MECHANISM")
    if not security.endswith("ssl"):
        yield from _excluded(given, _TLS_FILES, "ssl or sasl_ssl for DATAFLOW_BROKER_SECURITY")


def _token_faults(given: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a token: it comes from a file, or from an endpoint that wants a password."""
    if _TOKEN_FILE in given and _TOKEN_URL in given:
        yield f"{_TOKEN_FILE} is set, and so is {_TOKEN_URL}; expected one of them"
    elif _TOKEN_URL in given:
        yield from _required(given, _USER_AND_PASSWORD, f"{_TOKEN_URL} is set")
        yield from _in_clear(given[_TOKEN_URL])
    elif _TOKEN_FILE in given:
        expected = f"it to be unset with {_TOKEN_FILE}; it belongs to {_TOKEN_URL}"
        yield from _excluded(given, (*_USER_AND_PASSWORD, *_OF_TOKEN_URL), expected)
    else:
        yield (
            f"{_TOKEN_FILE} is not set, nor is {_TOKEN_URL}; expected one of them, for "
            "DATAFLOW_BROKER_SASL_MECHANISM is 'OAUTHBEARER'"
        )


def _in_clear(url: str) -> Iterator[str]:
    """Yield a fault for an endpoint that the secret of the client would travel to for everybody to read."""
    try:
        parts = urlsplit(url)
    except ValueError:  # another fault says that it is none
        return
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield (
            f"{_TOKEN_URL} is '{masked_setting(url)}'; expected https://, as the client shows its secret "
            "there; http:// only on a loopback address"
        )


def _required(given: Mapping[str, str], names: Iterable[str], because: str) -> Iterator[str]:
    yield from (f"{name} is not set; expected a value, for {because}" for name in names if name not in given)


def _excluded(given: Mapping[str, str], names: Iterable[str], expected: str) -> Iterator[str]:
    yield from (f"{name} is set; expected {expected}" for name in names if name in given)
