"""Object store: puts and inspects objects of one bucket, and translates errors of the SDK."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from io import SEEK_END
from pathlib import Path
from ssl import SSLContext
from typing import IO, Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from dataflow.errors import SinkUnavailable
from dataflow.s3 import client_arguments, code_of, status_of
from dataflow.settings import Settings
from dataflow.sinks.s3.store_errors import PreconditionFailed, translate_errors
from dataflow.tls import client_context

PART_BYTES = 8 << 20  # S3 takes 10,000 parts of at least 5 MiB
ANSWER_SECONDS = 60.0  # a request, of 8 MiB at most, fails if it takes longer

Condition = Mapping[str, str]
UNCONDITIONAL: Condition = {}
ABSENT: Condition = {"IfNoneMatch": "*"}

Client = Any  # made by aiobotocore from a description of the service, at run time


class Store:
    """One bucket; raises only `SinkUnavailable` and `PreconditionFailed`."""

    def __init__(self, client: Client, bucket: str, object_options: Mapping[str, str]) -> None:
        self._client = client
        self._bucket = bucket
        self._object_options = object_options

    async def ensure_bucket(self, region: str | None) -> None:
        """Create the bucket if it is missing; one that we may not inspect exists."""
        async with translate_errors(may_fail=False):
            if not await self._has_bucket():
                await self._create_bucket(region)

    async def _has_bucket(self) -> bool:
        try:
            await self._ask("head_bucket", Bucket=self._bucket)
        except ClientError as error:
            if status_of(error) not in (403, 404):
                raise
            return status_of(error) == 403
        return True

    async def _create_bucket(self, region: str | None) -> None:
        elsewhere = region not in (None, "us-east-1")
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if elsewhere else {}
        try:
            await self._ask("create_bucket", Bucket=self._bucket, **place)
        except ClientError as error:
            if code_of(error) == "BucketAlreadyExists":
                raise SinkUnavailable(
                    f"S3: bucket {self._bucket} belongs to another account; expected another name in "
                    "DATAFLOW_S3_BUCKET, or the right to list and write that bucket"
                ) from error
            if code_of(error) != "BucketAlreadyOwnedByYou":  # by another worker, since we asked
                raise

    async def put(
        self, key: str, body: IO[bytes], media_type: str, metadata: Mapping[str, str], condition: Condition
    ) -> str:
        """Store an object, completely or not at all; return its ETag. Raises `PreconditionFailed`."""
        about = {"ContentType": media_type, "Metadata": dict(metadata), **self._object_options}
        size = body.seek(0, SEEK_END)
        body.seek(0)
        async with translate_errors(may_fail=bool(condition)):
            if size <= PART_BYTES:
                stored = await self._ask(
                    "put_object", Bucket=self._bucket, Key=key, Body=body.read(), **about, **condition
                )
                return str(stored["ETag"])
            return await self._put_in_parts(key, body, about, condition)

    async def _put_in_parts(
        self, key: str, body: IO[bytes], about: Mapping[str, object], condition: Condition
    ) -> str:
        upload = await self._ask("create_multipart_upload", Bucket=self._bucket, Key=key, **about)
        place = {"Bucket": self._bucket, "Key": key, "UploadId": upload["UploadId"]}
        parts: list[dict[str, object]] = []
        try:
            while raw := body.read(PART_BYTES):
                number = len(parts) + 1
                made = await self._ask("upload_part", **place, PartNumber=number, Body=raw)
                parts.append({"PartNumber": number, "ETag": made["ETag"]})
            stored = await self._ask(
                "complete_multipart_upload", **place, MultipartUpload={"Parts": parts}, **condition
            )
        except BaseException:
            with suppress(BotoCoreError, ClientError, OSError, TimeoutError):
                await asyncio.shield(self._ask("abort_multipart_upload", **place))
            raise
        return str(stored["ETag"])

    async def _ask(self, operation: str, **parameters: object) -> Mapping[str, Any]:
        """Send one request. The time limits of the SDK only start once the request is sent."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return dict(await getattr(self._client, operation)(**parameters))

    async def stat(self, key: str) -> tuple[str, Mapping[str, str]] | None:
        """Return version (ETag) and metadata of an object; None if it does not exist."""
        try:
            async with translate_errors(may_fail=True):
                head = await self._ask("head_object", Bucket=self._bucket, Key=key)
                return str(head["ETag"]), head["Metadata"]
        except PreconditionFailed:
            return None

    async def metadata_of(self, key: str) -> Mapping[str, str] | None:
        """Return the metadata of an object that exists; None if we may not read it."""
        async with translate_errors(may_fail=False):
            try:
                return dict((await self._ask("head_object", Bucket=self._bucket, Key=key))["Metadata"])
            except ClientError as error:
                if status_of(error) != 403:
                    raise
                return None


def object_options(settings: Settings) -> Mapping[str, str]:
    """Return the options of each object that the settings ask for."""
    options = {
        "ServerSideEncryption": settings.s3_encryption,
        "SSEKMSKeyId": settings.s3_kms_key,
        "StorageClass": settings.s3_storage_class,
    }
    return {name: str(value) for name, value in options.items() if value}


class RenewingSession(AIOHTTPSession):  # type: ignore[misc]  # it has no types
    """Trusts what the file of CA certificates holds at each new connection."""

    def _build_verify_context(self) -> SSLContext:
        if isinstance(self._verify, str):
            return client_context(Path(self._verify))  # in a thread, and once for all connections
        context: SSLContext = super()._build_verify_context()
        return context


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Store]:
    """Give a store whose bucket exists; raise `SinkUnavailable` if it cannot be reached."""
    # One attempt: the runner of the sink retries, and logs it.
    config = partial(AioConfig, http_session_cls=RenewingSession)
    arguments = client_arguments(settings, config, attempts=1)
    async with get_session().create_client(**arguments) as client:
        assert settings.s3_bucket is not None
        store = Store(client, settings.s3_bucket, object_options(settings))
        await store.ensure_bucket(settings.s3_region)
        yield store
