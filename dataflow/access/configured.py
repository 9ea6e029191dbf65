"""What the settings say of access: who is let in, and which settings are refused."""

from functools import partial

from dataflow.access.access_file import read_access_file
from dataflow.access.authenticator import Authenticator
from dataflow.access.identity import AccessRole, Grants, read_grants
from dataflow.catalogue.declared import RECEIVED_STREAMS
from dataflow.engine.address import is_loopback
from dataflow.errors import Misconfigured
from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.watched_files import WatchedFile

log = get_log(__name__)

WHO_MAY = (
    "expected DATAFLOW_ACCESS_FILE to name a file that says who may do what, "
    "or DATAFLOW_OPEN_ROLES to say what everybody may"
)


def create_authenticator(settings: Settings, worker_secret: str) -> Authenticator:
    """Return who knows the clients of a worker; raise `Misconfigured` where nobody says who they are."""
    path = settings.access_file
    if path is None and settings.open_roles is None and not is_loopback(settings.web_host):
        raise Misconfigured(f"DATAFLOW_WEB_HOST is '{settings.web_host}', which others reach; {WHO_MAY}")
    read = partial(read_access_file, streams=RECEIVED_STREAMS)
    return Authenticator(
        None if path is None else WatchedFile(path, read), worker_secret, open_grants(settings)
    )


def open_grants(settings: Settings) -> Grants:
    """Return what everybody may: read, where only this machine can, and no file says otherwise."""
    if settings.open_roles is None:
        is_own = settings.access_file is None and is_loopback(settings.web_host)
        return read_grants([AccessRole.READ] if is_own else [], RECEIVED_STREAMS)
    try:
        grants = read_grants(settings.open_roles, RECEIVED_STREAMS)
    except ValueError as fault:
        raise Misconfigured(f"DATAFLOW_OPEN_ROLES: {fault}") from fault
    log.warning(
        "Everybody who reaches this worker has the roles of DATAFLOW_OPEN_ROLES.",
        roles=", ".join(settings.open_roles),
        host=settings.web_host,
    )
    return grants
