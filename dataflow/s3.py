"""S3: the server of the settings, for the sink that writes objects and the inputs that read them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dataflow.settings import Settings

CONNECT_SECONDS = 5
READ_SECONDS = 30


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where the server is, and who asks."""

    endpoint: str | None = None
    """URL of an S3-compatible server; None: Amazon."""
    region: str | None = None
    access_key: str | None = None
    """None: as the SDK finds it (environment, profile, role of the machine)."""
    secret_key: str | None = field(default=None, repr=False)

    def client_arguments(self, config: Callable[..., object], attempts: int) -> dict[str, Any]:
        """Return what `create_client` of a session takes; `config` is the class of its options."""
        return {
            "service_name": "s3",
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "config": config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": attempts, "mode": "standard"},
                # A server of one's own has no host name for each bucket.
                s3={"addressing_style": "path"} if self.endpoint else None,
            ),
        }


def s3_server(settings: Settings) -> S3Server:
    """Return the server that the settings name."""
    secret = settings.s3_secret_key
    return S3Server(
        settings.s3_endpoint,
        settings.s3_region,
        settings.s3_access_key,
        secret.get_secret_value() if secret else None,
    )
