"""Client: requests to the first host that answers, with the credentials that the settings name."""

import asyncio
import logging
import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from opensearchpy import AsyncHttpConnection, AsyncOpenSearch, AWSV4SignerAsyncAuth
from opensearchpy.exceptions import AuthorizationException, RequestError, TransportError

from dataflow.errors import SinkUnavailable
from dataflow.settings import Settings
from dataflow.settings.faults import split_names
from dataflow.tls import client_context

SECONDS = 30
AWAY_SECONDS = 10  # how long a host that has failed is left alone while others answer
_REFUSALS = range(400, 500)

logging.getLogger("opensearch").setLevel(logging.ERROR)  # it logs every request

Arguments = dict[str, Any]  # of the client, which takes any
Credentials = Any  # botocore has no types


class SearchClient:
    """The requests of the sink. Each host is tried once: the runner of the sink retries, and logs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._credentials: Credentials = None
        self._client: AsyncOpenSearch | None = None
        files = settings.opensearch_ca_file, settings.opensearch_cert_file, settings.opensearch_key_file
        self._trusted = client_context(*files) if any(files) else None

    async def put_index_template(self, name: str, template: Mapping[str, object]) -> None:
        """Create or update a template."""
        client = await self._ready()
        await client.indices.put_index_template(name=name, body=template)

    async def lacks_index_template(self, name: str) -> bool:
        """Tell whether there is no template of this name; False if we may not look, or a proxy forbids it."""
        try:
            return not await (await self._ready()).indices.exists_index_template(name=name)
        except TransportError as error:
            if error.status_code in _REFUSALS:
                return False
            raise

    async def note(self, name: str, words: Mapping[str, str]) -> Mapping[str, str] | None:
        """Keep some words in the cluster unless it has some under this name; return those that it has.

        A component template that no other template names has no effect. None: we may not make one.
        """
        templates = (await self._ready()).cluster
        body = {"template": {}, "_meta": words}
        try:
            with suppress(RequestError):  # there is one; of anything else the next request tells
                await templates.put_component_template(name=name, body=body, params={"create": "true"})
            kept: Any = await templates.get_component_template(name=name)
        except AuthorizationException as error:
            if not isinstance(error.info, Mapping):  # the page of a proxy, which knows nothing of our rights
                raise
            return None
        return dict(kept["component_templates"][0]["component_template"].get("_meta", {}))

    async def bulk(self, lines: bytes, only: str) -> object:
        """Send a bulk request; return those parts of the answer, or whatever it is that has answered."""
        client = await self._ready()
        answer: object = await client.bulk(body=lines, params={"filter_path": only})
        return answer

    async def _ready(self) -> AsyncOpenSearch:
        """Return the client, with credentials that are valid for a while.

        By themselves they would be fetched in the loop, and hold it up.
        """
        if self._settings.opensearch_aws_region and self._credentials is None:
            self._credentials = await asyncio.to_thread(aws_credentials)
        if self._client is None:
            self._client = _client(self._settings, self._credentials, self._trusted)
        if self._credentials is not None:
            await asyncio.to_thread(self._credentials.get_frozen_credentials)
        return self._client

    async def close(self) -> None:
        """Disconnect, also from hosts that are away: the client forgets those."""
        if self._client is not None:
            for connection in getattr(self._client.transport.connection_pool, "orig_connections", ()):
                await connection.close()
            await self._client.close()


def _client(settings: Settings, credentials: Credentials, trusted: ssl.SSLContext | None) -> AsyncOpenSearch:
    assert settings.opensearch_url is not None
    hosts = split_names(settings.opensearch_url.get_secret_value())
    return AsyncOpenSearch(
        list(hosts),
        timeout=SECONDS,
        max_retries=len(hosts) - 1,
        retry_on_timeout=True,
        dead_timeout=AWAY_SECONDS,
        ssl_context=trusted,
        **_authentication(settings, credentials),
    )


def aws_credentials() -> Credentials:
    """Return the credentials of a profile or of the machine's role; raise `SinkUnavailable` for none."""
    from botocore.session import get_session  # of an extra that only this way to log in needs

    credentials = get_session().get_credentials()
    if credentials is None:
        raise SinkUnavailable("OpenSearch: no AWS credentials; expected a profile or a role of the machine")
    return credentials


def _authentication(settings: Settings, credentials: Credentials) -> Arguments:
    """Return the arguments of the client for one way to log in; for none, it may be in the URL."""
    if credentials is not None:
        signer = AWSV4SignerAsyncAuth(
            credentials, settings.opensearch_aws_region or "", settings.opensearch_aws_service
        )
        return {"http_auth": signer, "connection_class": AsyncHttpConnection}
    if settings.opensearch_api_key:
        key = settings.opensearch_api_key.get_secret_value()
        encoded = b64encode(key.encode()).decode() if ":" in key else key  # an id and its key
        return {"headers": {"authorization": f"ApiKey {encoded}"}}
    if settings.opensearch_username:
        password = settings.opensearch_password
        secret = password.get_secret_value() if password else ""
        return {"http_auth": (settings.opensearch_username, secret)}
    return {}
