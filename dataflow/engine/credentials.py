"""Credentials: the broker connection of aiokafka's clients, as Faust's own clients take it."""

import ssl
from collections.abc import Mapping

import faust
from faust.types.auth import CredentialsT


def credentials(connection: Mapping[str, object]) -> CredentialsT | None:
    """Return how Faust's clients authenticate; None for an open broker."""
    context = connection.get("ssl_context")
    assert context is None or isinstance(context, ssl.SSLContext)
    if "sasl_mechanism" in connection:
        return faust.SASLCredentials(
            username=str(connection["sasl_plain_username"]),
            password=str(connection["sasl_plain_password"]),
            mechanism=str(connection["sasl_mechanism"]),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
