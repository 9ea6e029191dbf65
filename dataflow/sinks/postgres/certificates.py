"""Certificates for PostgreSQL: the files that a URL names, taken over when they are replaced."""

import os
import ssl
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from dataflow.tls import RenewedContext, read_client

_HOME: Final = Path("~/.postgresql")
_FILES: Final = {
    "sslrootcert": ("PGSSLROOTCERT", "root.crt"),
    "sslcert": ("PGSSLCERT", "postgresql.crt"),
    "sslkey": ("PGSSLKEY", "postgresql.key"),
}
"""Each by its parameter: the variable that names it, and the file that libpq takes without either."""

_CHECKED: Final = ("verify-ca", "verify-full")


def context_of(url: str) -> RenewedContext | None:
    """Return the TLS context of a URL as libpq understands it; raise `Misconfigured` for a broken file.

    None where asyncpg has to find out by itself: without TLS, without files, or with a list of revocations.
    """
    query = dict(parse_qsl(urlsplit(url).query))
    mode = query.get("sslmode") or os.environ.get("PGSSLMODE", "prefer")
    files = {name: path for name in _FILES if (path := _file(name, query)) is not None}
    is_checked = mode in _CHECKED and "sslrootcert" in files
    if not files or "sslcrl" in query or not (is_checked or mode == "require"):
        return None
    ca, certificate, key = (files.get(name) for name in _FILES)
    return RenewedContext([*files.values()], partial(_read, mode, ca, certificate, key), certificate)


def _file(name: str, query: dict[str, str]) -> Path | None:
    variable, default = _FILES[name]
    given = query.get(name) or os.environ.get(variable)
    path = Path(given) if given else (_HOME / default).expanduser()
    return path if given or path.exists() else None


def _read(mode: str, ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    context = read_client(ca, certificate, key)
    context.check_hostname = mode == "verify-full"
    if ca is None:
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["postgresql"])
    return context
