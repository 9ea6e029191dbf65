"""Configuration of the authentication: which settings let whom in, and which are refused."""

from dataflow.engine.address import is_loopback
from dataflow.errors import Misconfigured
from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.sources.auth.authenticator import Authenticator
from dataflow.sources.auth.secrets import read_htpasswd, read_tokens
from dataflow.watched_files import WatchedFile

log = get_log(__name__)

WHO_MAY_SEND = (
    "expected DATAFLOW_INGEST_HTPASSWD_FILE or DATAFLOW_INGEST_TOKEN_FILE to say who may send, "
    "or DATAFLOW_INGEST_OPEN=true to let everybody"
)


def create_authenticator(settings: Settings) -> Authenticator:
    """Return the authenticator of a worker.

    Without password file and token file sending is disabled, unless it is open to everybody. On an
    address that others reach that is an error: raises `Misconfigured`.
    """
    host, is_open = settings.web_host, settings.ingest_open
    htpasswd, tokens = settings.ingest_htpasswd_file, settings.ingest_token_file
    guarded = htpasswd is not None or tokens is not None
    if guarded and is_open:
        raise Misconfigured(
            "DATAFLOW_INGEST_OPEN is 'true'; expected false or unset, for "
            "DATAFLOW_INGEST_HTPASSWD_FILE or DATAFLOW_INGEST_TOKEN_FILE is set"
        )
    is_closed = not guarded and not is_open
    if is_closed and not is_loopback(host):
        raise Misconfigured(f"DATAFLOW_WEB_HOST is '{host}', which others reach; {WHO_MAY_SEND}")
    if is_open:
        log.warning("Anybody who reaches this worker may send: DATAFLOW_INGEST_OPEN is set.", host=host)
    closed = f"nobody may send to this worker; {WHO_MAY_SEND}" if is_closed else None
    if closed:
        log.info("HTTP ingest is disabled.", reason=closed)
    return Authenticator(
        WatchedFile(htpasswd, read_htpasswd) if htpasswd else None,
        WatchedFile(tokens, read_tokens) if tokens else None,
        closed=closed,
    )
