"""S3: the server of the settings, for the sink that writes objects and the inputs that read them."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from dataflow.settings import Settings

CONNECT_SECONDS = 5
READ_SECONDS = 30


def client_arguments(settings: Settings, config: Callable[..., object], attempts: int) -> dict[str, Any]:
    """Return what `create_client` of a session takes; `config` is the class of its options.

    Without an endpoint the server is Amazon's; without an access key the SDK finds one (environment,
    profile, role of the machine).
    """
    secret, endpoint = settings.s3_secret_key, settings.s3_endpoint
    # A server of one's own has no host name for each bucket, and may not know the newer checksums.
    addressing = settings.s3_addressing or ("path" if endpoint else None)
    checksums = settings.s3_checksums or ("when_required" if endpoint else "when_supported")
    return {
        "service_name": "s3",
        "endpoint_url": endpoint.get_secret_value() if endpoint else None,
        "region_name": settings.s3_region,
        "aws_access_key_id": settings.s3_access_key,
        "aws_secret_access_key": secret.get_secret_value() if secret else None,
        "verify": str(settings.s3_ca_file) if settings.s3_ca_file else None,
        "config": config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            s3={"addressing_style": str(addressing)} if addressing else None,
            request_checksum_calculation=str(checksums),
            response_checksum_validation=str(checksums),
        ),
    }


def status_of(error: ClientError) -> int:
    """Return the status of HTTP of an answer that the SDK raises, 0 for none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """Return the error code of an answer that the SDK raises."""
    return str(error.response.get("Error", {}).get("Code", ""))
