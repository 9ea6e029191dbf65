"""The broker to talk to, and what every Kafka client needs to reach it."""

from dataflow.broker_home import running_broker
from dataflow.errors import Misconfigured
from dataflow.kafka.connection import connection
from dataflow.kafka.tokens import TokenEndpoint, TokenFile, TokenSource
from dataflow.settings import Settings
from dataflow.tls import client_context


def broker_connection(settings: Settings) -> dict[str, object]:
    """Return the keyword arguments of an aiokafka client.

    With no broker set it is the embedded one of the data folder. Raises
    `Misconfigured` when that is not running.
    """
    password = settings.broker_password
    reached = connection(
        _addresses(settings),
        security=settings.broker_security.value,
        mechanism=settings.broker_sasl_mechanism.value,
        username=settings.broker_username,
        password=password.get_secret_value() if password else None,
        tokens=_tokens(settings),
        ca_file=settings.broker_ca_file,
        cert_file=settings.broker_cert_file,
        key_file=settings.broker_key_file,
    )
    return {**reached, "client_id": settings.client_id}


def _tokens(settings: Settings) -> TokenSource | None:
    if settings.broker_token_file is not None:
        return TokenFile(settings.broker_token_file)
    if settings.broker_token_url is None:
        return None
    password = settings.broker_password
    return TokenEndpoint(
        settings.broker_token_url.get_secret_value(),
        settings.broker_username or "",
        password.get_secret_value() if password else "",
        settings.broker_token_scope,
        client_context(settings.broker_token_ca_file),
    )


def _addresses(settings: Settings) -> list[str]:
    if settings.broker:
        return settings.broker.split(",")
    embedded = running_broker(settings.data_dir / "broker")
    if embedded is None:
        raise Misconfigured(
            f"embedded broker of {settings.data_dir} is not running; "
            "expected `dataflow broker` to run, or DATAFLOW_BROKER to name another one"
        )
    return [embedded]
