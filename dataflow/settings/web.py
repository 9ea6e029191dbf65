"""Settings of the web server: where it listens and how others reach it."""

import socket

from pydantic import BaseModel, Field


def _reachable_host(validated: dict[str, object]) -> str:
    bound = str(validated["web_host"])
    return socket.gethostname() if bound in ("0.0.0.0", "::") else bound  # noqa: S104  # compared, not bound


class WebSettings(BaseModel):
    """Addresses of the web server."""

    web_host: str = Field(default="127.0.0.1", description="address the web server listens on; 0.0.0.0: all")
    web_port: int = Field(default=6066, ge=1, le=65535, description="port of the web server")
    advertised_host: str = Field(
        default_factory=_reachable_host, description="host name at which other workers reach this one"
    )
    query_deadline_ms: int = Field(
        default=2_000, ge=10, le=60_000, description="longest wait for other workers"
    )
    analytics_deadline_ms: int = Field(
        default=10_000,
        ge=10,
        le=600_000,
        description="longest wait for PostgreSQL; then its query is cancelled",
    )
