"""Faust's transport, with the consumer and the conductor of record batches."""

import ssl
from collections.abc import Mapping
from typing import Any

import faust
from faust.auth import OAuthCredentials
from faust.transport.conductor import Conductor
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerT, TopicT
from faust.types.auth import CredentialsT
from faust.types.transports import ConsumerCallback
from yarl import URL

from dataflow.engine.consumer import BatchConsumer
from dataflow.engine.engine import Engine
from dataflow.engine.topology import Topology


class BatchConductor(Conductor):
    """Faust's conductor, which every stream tells what it reads; refuses what would deliver nothing."""

    def __init__(self, app: faust.App, topology: Topology) -> None:
        super().__init__(app)
        self._topology = topology

    def add(self, topic: TopicT) -> None:
        """Subscribe, as Faust does."""
        self._topology.check_reader(topic)
        super().add(topic)


class BatchTransport(driver.Transport):
    """Faust's Kafka transport with the consumer above."""

    Consumer = BatchConsumer

    def __init__(self, url: list[URL], app: faust.App, engine: Engine) -> None:
        super().__init__(url, app)
        self._engine = engine

    def create_consumer(self, callback: ConsumerCallback, **settings: Any) -> ConsumerT:
        """Create the consumer as Faust does, and give it the engine whose batches it delivers."""
        return super().create_consumer(callback, engine=self._engine, **settings)


def credentials(connection: Mapping[str, object]) -> CredentialsT | None:
    """Return how Faust's own clients authenticate at the broker of this connection; None for an open one."""
    context = connection.get("ssl_context")
    assert context is None or isinstance(context, ssl.SSLContext)
    if provider := connection.get("sasl_oauth_token_provider"):
        return OAuthCredentials(oauth_cb=provider, ssl_context=context)
    if "sasl_mechanism" in connection:
        return faust.SASLCredentials(
            username=str(connection["sasl_plain_username"]),
            password=str(connection["sasl_plain_password"]),
            mechanism=str(connection["sasl_mechanism"]),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
