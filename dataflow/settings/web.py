"""Settings of the web server: addresses, names and certificates."""

import re
import socket
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, FilePath

from dataflow.engine.address import in_url
from dataflow.settings.values import Names, setting

_NAME = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.ASCII)


def _as_browsers_write(given: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(in_url(name.lower()) if name.count(":") > 1 else name.lower() for name in given)
    if not all(map(_NAME.fullmatch, names)):
        raise ValueError("NAME[,...]: host names or addresses, each without a scheme, with a port or none")
    return names


def _reachable_host(validated: dict[str, object]) -> str:
    bound = str(validated["web_host"])
    return socket.gethostname() if bound in ("0.0.0.0", "::") else bound  # noqa: S104  # compared, not bound


class WebSettings(BaseModel):
    """Web server of a worker."""

    web_host: str = setting("127.0.0.1", "address that the web server listens on; 0.0.0.0 or :: for all")
    web_port: int = setting(6066, "port of the web server", ge=1, le=65535)
    web_names: Annotated[Names, AfterValidator(_as_browsers_write)] = setting(
        (), "more host names and addresses of this worker, such as those of a proxy"
    )
    web_tls_cert_file: FilePath | None = setting(
        None, "certificate chain of the web server (PEM), which switches on HTTPS; unset: HTTP"
    )
    web_tls_key_file: FilePath | None = setting(None, "key of that certificate (PEM)")
    web_tls_client_ca_file: FilePath | None = setting(
        None,
        "CA certificates of clients (PEM), who can then log in with certificates; unset: they cannot",
    )
    web_tls_ca_file: FilePath | None = setting(
        None,
        "CA certificates by which workers and commands trust other workers (PEM); unset: those of the system",
    )
    web_plain_port: int | None = setting(
        None, "second port, for HTTP beside HTTPS; unset: none", ge=1, le=65535
    )
    advertised_host: Annotated[str, AfterValidator(in_url)] = Field(
        default_factory=_reachable_host,
        description="host name at which other workers reach this one",
        validate_default=True,
    )
    web_connection_seconds: float = setting(
        300.0,
        "age at which a connection is closed after its next answer, so that new workers get some",
        gt=0,
        le=86_400,
    )
    drain_seconds: float = setting(
        5.0, "time after SIGTERM in which a worker is not ready but still serves; 0: none", ge=0, le=3_600
    )
    metrics_tables: Names = setting(
        (), "tables in /metrics/tables, as NAME or NAME:WINDOW (requests_per_endpoint:hour)"
    )
    metrics_table_keys: int = setting(
        20, "how many keys of each table are in /metrics/tables, those with most rows", ge=1, le=1_000
    )
    query_deadline_ms: int = setting(2_000, "longest wait for other workers", ge=10, le=60_000)
    analytics_deadline_ms: int = setting(
        10_000, "longest wait for PostgreSQL; then its query is cancelled", ge=10, le=600_000
    )
