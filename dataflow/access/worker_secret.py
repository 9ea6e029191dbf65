"""The workers' secret: by it workers know one another; those of one user on one machine share a file."""

import os
import secrets
from pathlib import Path

from dataflow.engine.address import is_loopback
from dataflow.errors import Misconfigured
from dataflow.file_locks import locked
from dataflow.logs import get_log
from dataflow.settings import Settings

log = get_log(__name__)

SHORTEST = 16


def worker_secret(settings: Settings) -> str:
    """Return the secret that this worker shares with the others; raise `Misconfigured` without one."""
    if settings.worker_secret is not None:
        return _given_secret(settings.worker_secret.get_secret_value().strip())
    if (fault := fault_of_secret(settings)) is not None:
        raise Misconfigured(fault)
    path = _secret_file(settings)
    try:
        return _shared_secret(path)
    except (OSError, ValueError) as error:
        log.warning(
            "Secret of workers cannot be kept; this worker knows no other one. Set DATAFLOW_WORKER_SECRET.",
            file=path,
            error=error,
        )
        return secrets.token_urlsafe(32)


def fault_of_secret(settings: Settings) -> str | None:
    """Return what is missing for workers that others reach; None if nothing is."""
    if settings.worker_secret is not None or is_loopback(settings.web_host):
        return None
    return (
        f"DATAFLOW_WORKER_SECRET is not set; expected the same secret at all workers, "
        f"for DATAFLOW_WEB_HOST is '{settings.web_host}', which others reach"
    )


def secret_of_commands(settings: Settings) -> str | None:
    """Return the secret that commands have, too, as those who may read it may run a worker."""
    if settings.worker_secret is not None:
        return _given_secret(settings.worker_secret.get_secret_value().strip())
    try:
        return _secret_file(settings).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def _given_secret(given: str) -> str:
    if len(given) < SHORTEST:
        raise Misconfigured(
            f"DATAFLOW_WORKER_SECRET is a secret of {len(given)} characters; expected at least {SHORTEST}"
        )
    return given


def _secret_file(settings: Settings) -> Path:
    return settings.cache_dir / "worker-secret"


def _write_new(path: Path) -> None:
    """Write a secret; the file is there with all of it, or not at all."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
    new.replace(path)


def _shared_secret(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        if not path.exists() or not path.stat().st_size:  # a disk that was full leaves an empty file
            _write_new(path)
        status = path.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise PermissionError(f"others can read {path}; expected that only this user can")
        shared = path.read_text(encoding="ascii").strip()
    if len(shared) < SHORTEST:
        raise ValueError(f"it has {len(shared)} characters; expected at least {SHORTEST}")
    return shared
