"""Settings of S3: the server, for the sink and the inputs, and how the sink stores objects."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, FilePath, SecretStr

from dataflow.settings.values import Names, WebAddressWithoutLogin, setting

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_BEGIN = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_END = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_ACCESS_POINT = re.compile(r"arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:\d{12}:[\w/:.-]+")
_STORAGE_CLASS = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _bucket_name(name: str) -> str:
    is_reserved = name.startswith(_RESERVED_BEGIN) or name.endswith(_RESERVED_END)
    is_name = _NAME.fullmatch(name) and not _IPV4.fullmatch(name) and not is_reserved
    if not is_name and not _ACCESS_POINT.fullmatch(name):
        raise ValueError(
            "3 to 63 of a-z, 0-9, hyphens and single dots, with a letter or digit first and last, no IP "
            "address and no name that Amazon reserves; or the ARN of an access point"
        )
    return name


def _storage_class(name: str) -> str:
    if not _STORAGE_CLASS.fullmatch(name):
        raise ValueError("a storage class that the server knows, such as STANDARD_IA")
    return name


class ArchiveHour(StrEnum):
    """Which hour of a record selects its object in S3."""

    EVENT = "event"
    ARRIVAL = "arrival"


class ArchiveFormat(StrEnum):
    """Format of objects in S3."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


class Addressing(StrEnum):
    """Where the name of a bucket stands in a request."""

    PATH = "path"
    VIRTUAL = "virtual"


class Checksums(StrEnum):
    """When a request carries a checksum in a header or trailer."""

    WHEN_SUPPORTED = "when_supported"
    WHEN_REQUIRED = "when_required"


class Encryption(StrEnum):
    """How the server encrypts objects."""

    AES256 = "AES256"
    KMS = "aws:kms"
    KMS_TWICE = "aws:kms:dsse"


class S3Settings(BaseModel):
    """S3: server and objects."""

    s3_bucket: Annotated[str, AfterValidator(_bucket_name)] | None = setting(
        None, "bucket of the S3 sink, created if missing; unset: disabled"
    )
    s3_endpoint: WebAddressWithoutLogin | None = setting(
        None, "S3-compatible server, http(s)://host:port; unset: Amazon S3"
    )
    s3_region: str | None = setting(None, "region of the bucket; unset: default of the SDK")
    s3_access_key: str | None = setting(
        None, "S3 access key; unset: the SDK looks for one (profile, role of the machine)"
    )
    s3_secret_key: SecretStr | None = setting(None, "S3 secret key")
    s3_ca_file: FilePath | None = setting(
        None, "CA certificates of the S3 server (PEM); unset: those of the SDK"
    )
    s3_addressing: Addressing | None = setting(
        None,
        "name of the bucket in the path or the host name; unset: path for your own server, else as the SDK",
    )
    s3_checksums: Checksums | None = setting(
        None,
        "when to send checksum headers, which some servers refuse; "
        "unset: when_required for your own server, otherwise when_supported",
    )
    s3_encryption: Encryption | None = setting(
        None, "encryption of objects by the server; unset: the setting of the bucket"
    )
    s3_kms_key: str | None = setting(
        None, "id or ARN of the KMS key, for s3_encryption aws:kms; unset: the account's own"
    )
    s3_storage_class: Annotated[str, AfterValidator(_storage_class)] | None = setting(
        None, "storage class of objects, such as STANDARD_IA; unset: the server's default"
    )
    s3_prefix: str = setting("logs", "prefix of all keys in the bucket")
    s3_topics: Names = setting(
        ("cdn-logs-filtered", "access-logs-parsed"), "topics that the S3 sink stores, separated by commas"
    )
    s3_hour: ArchiveHour = setting(
        ArchiveHour.EVENT, "sort events into objects by the hour of the event, or of its arrival"
    )
    s3_format: ArchiveFormat = setting(
        ArchiveFormat.NDJSON, "format of objects; parquet needs the extra of that name"
    )
    s3_object_records: int = setting(
        100_000, "a new object begins at each multiple of this number of offsets", ge=1_000, le=100_000_000
    )
    s3_object_bytes: int = setting(
        256 * 2**20, "largest buffer on disk for one partition", ge=2**20, le=64 * 2**30
    )
    s3_flush_seconds: float = setting(
        300.0, "time between two uploads of an incomplete object", gt=0, le=86_400
    )
