"""Connection: the keyword arguments by which every Kafka client reaches the broker and is let in."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dataflow.kafka.tokens import Tokens, TokenSource
from dataflow.tls import client_context


def connection(  # noqa: PLR0913 - one for each setting
    servers: Sequence[str],
    *,
    security: str = "plaintext",
    mechanism: str = "PLAIN",
    username: str | None = None,
    password: str | None = None,
    tokens: TokenSource | None = None,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
) -> dict[str, object]:
    """Return what every aiokafka client needs to reach and be let in by the broker.

    `security` is plaintext, ssl, sasl_plaintext or sasl_ssl; files are PEM, and may be replaced meanwhile.
    Raises `Misconfigured` for one that cannot be used.
    """
    arguments: dict[str, object] = {"bootstrap_servers": list(servers), "security_protocol": security.upper()}
    if security.endswith("ssl"):
        arguments["ssl_context"] = client_context(ca_file, cert_file, key_file)
    if security.startswith("sasl"):
        arguments["sasl_mechanism"] = mechanism
        if tokens is not None:
            arguments["sasl_oauth_token_provider"] = Tokens(tokens)
        else:
            arguments |= {"sasl_plain_username": username, "sasl_plain_password": password}
    return arguments


def principal_of(connection: Mapping[str, object]) -> str:
    """Return as whom the broker knows us, as far as that is known here."""
    if "sasl_plain_username" in connection:
        return f"User:{connection['sasl_plain_username']}"
    if "sasl_oauth_token_provider" in connection:
        return "the user of our token"
    return "the user of our certificate" if "ssl_context" in connection else "User:ANONYMOUS"
