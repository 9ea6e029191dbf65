"""What the settings say of access: who is let in, and which settings are refused."""

from functools import partial

from dataflow.access.access_file import read_access_file
from dataflow.access.authenticator import Authenticator
from dataflow.access.identity import AccessRole, Grants, read_grants
from dataflow.access.worker_secret import fault_of_secret
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


def check_access(settings: Settings) -> None:
    """Raise `Misconfigured` with all that is missing for a worker that others reach, one a line."""
    faults = [fault for fault in (_fault_of_access(settings), fault_of_secret(settings)) if fault]
    if faults:
        raise Misconfigured("\n".join(faults))


def _fault_of_access(settings: Settings) -> str | None:
    is_said = settings.access_file is not None or settings.open_roles is not None
    if is_said or is_loopback(settings.web_host):
        return None
    return f"DATAFLOW_WEB_HOST is '{settings.web_host}', which others reach; {WHO_MAY}"


def create_authenticator(settings: Settings, worker_secret: str) -> Authenticator:
    """Return who knows the clients of a worker; raise `Misconfigured` where nobody says who they are."""
    if (fault := _fault_of_access(settings)) is not None:
        raise Misconfigured(fault)
    path = settings.access_file
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
