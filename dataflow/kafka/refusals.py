"""Refusals: why a broker lets nobody in, or this user do something: by its cause, and by what to change."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from socket import gaierror
from typing import cast

from aiokafka.errors import AuthenticationFailedError, KafkaError, SaslAuthenticationFailed

from dataflow.kafka.connection import principal_of
from dataflow.kafka.errors import BROKER_AWAY, missing_right
from dataflow.kafka.listeners import connect_once, mechanisms, speaks_plaintext, speaks_tls
from dataflow.kafka.tokens import TokenUnavailable

WRONG_USER = (SaslAuthenticationFailed, AuthenticationFailedError)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody is let in, and whether only another setting, here or at the broker, helps."""

    text: str
    is_final: bool = True


async def explain(error: BaseException, connection: Mapping[str, object]) -> str:
    """Return for people what an error means: the cause of a lost connection, or the right that is missing."""
    right = missing_right(error)
    if right is not None:
        return f"{principal_of(connection)} is denied {right}; expected an ACL that allows it"
    if isinstance(error, BROKER_AWAY):
        refusal = await find_refusal(connection)
        return refusal.text if refusal else str(error)
    return str(error)


async def find_refusal(connection: Mapping[str, object]) -> Refusal | None:
    """Connect to every address, and to those that brokers name for themselves.

    Return why none lets us in, None if one of each does.
    """
    given = cast("str | Sequence[str]", connection["bootstrap_servers"])
    servers = given.split(",") if isinstance(given, str) else given
    answers = await asyncio.gather(*(_answer_of(server, connection) for server in servers))
    named = {address for one in answers if not isinstance(one, Refusal) for address in one}
    reached = {server for server, one in zip(servers, answers, strict=True) if not isinstance(one, Refusal)}
    if not named or named & reached:
        return _first(answers)
    refusal = _first(await asyncio.gather(*(_answer_of(one, connection) for one in sorted(named))))
    if refusal is None:
        return None
    subject, told = f"brokers of {','.join(servers)}", refusal.text
    return Refusal(
        f"{subject} name other addresses for themselves (advertised.listeners): {told}", is_final=False
    )


def _first(answers: Sequence[Refusal | list[str]]) -> Refusal | None:
    """Return the refusal that says most; None if there is an answer that is none."""
    refusals = [one for one in answers if isinstance(one, Refusal)]
    return min(refusals, key=lambda one: not one.is_final) if len(refusals) == len(answers) else None


async def _answer_of(server: str, connection: Mapping[str, object]) -> Refusal | list[str]:
    """Return the addresses of all brokers, or why this one lets nobody in."""
    try:
        return await connect_once(server, connection)
    except (KafkaError, OSError, TimeoutError) as error:
        told = (_told_by(one, server, connection) for one in _causes(error))
        return next(filter(None, told), None) or await _cut_off(server, connection)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _told_by(error: BaseException, server: str, connection: Mapping[str, object]) -> Refusal | None:
    """Return what an error says by itself; that a connection was cut off says nothing."""
    text = None
    match error:
        case gaierror():
            text = f"host of {server} cannot be resolved ({error.strerror}); expected one that is known here"
            return Refusal(f"{text} in DATAFLOW_BROKER", is_final=False)
        case ConnectionRefusedError():
            return Refusal(f"nobody listens at {server}; expected a broker there", is_final=False)
        case ssl.SSLCertVerificationError():
            text = (
                f"certificate of {server} is not trusted: {error.verify_message}; expected one for that name "
                "by a CA of DATAFLOW_BROKER_CA_FILE, or of this system without it"
            )
        case ssl.SSLError() if "ALERT" in (error.reason or "") and "VERSION" not in error.reason:
            text = (
                f"{server} does not accept our certificate, or that we show none ({error.reason}); expected "
                "one that it trusts in DATAFLOW_BROKER_CERT_FILE"
            )
        case _ if isinstance(error, WRONG_USER):
            text = (
                f"{server} does not let {principal_of(connection)} in: {error}; expected {_login(connection)}"
            )
        case TokenUnavailable():
            return Refusal(str(error.args[0]), is_final=error.is_final)
    return Refusal(text) if text else None


def _login(connection: Mapping[str, object]) -> str:
    if "sasl_oauth_token_provider" in connection:
        return "a token that it trusts, by DATAFLOW_BROKER_TOKEN_FILE or DATAFLOW_BROKER_TOKEN_URL"
    return "DATAFLOW_BROKER_USERNAME and DATAFLOW_BROKER_PASSWORD of a user that it knows"


async def _cut_off(server: str, connection: Mapping[str, object]) -> Refusal:
    """Find out why a connection was cut off, by what else is spoken there."""
    has_tls, text = "ssl_context" in connection, None
    if has_tls and await speaks_plaintext(server, connection):
        text = f"{server} does not speak TLS; expected plaintext or sasl_plaintext"
    elif not has_tls and await speaks_tls(server):
        text = f"{server} speaks TLS; expected ssl or sasl_ssl"
    if text:
        return Refusal(f"{text} for DATAFLOW_BROKER_SECURITY")
    known = await mechanisms(server, connection, "SSL" if has_tls else "PLAINTEXT")
    if known is None:
        return Refusal(f"{server} does not answer as a broker; expected one there", is_final=False)
    return Refusal(_sasl_fault(server, known, connection.get("sasl_mechanism")))


def _sasl_fault(server: str, known: Sequence[str], mechanism: object) -> str:
    listed = ", ".join(known)
    if not known:
        return f"{server} asks for no user; expected ssl or plaintext for DATAFLOW_BROKER_SECURITY"
    if mechanism is None:
        return (
            f"{server} asks for a user, by SASL {listed}; expected sasl_ssl or sasl_plaintext for "
            "DATAFLOW_BROKER_SECURITY"
        )
    return f"{server} does not take SASL {mechanism}; expected {listed} for DATAFLOW_BROKER_SASL_MECHANISM"
