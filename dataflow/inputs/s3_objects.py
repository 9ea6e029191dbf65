"""S3 objects: lists and reads the objects under s3://bucket/prefix, in the order of their keys."""

from functools import cached_property, partial
from itertools import chain
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.session import get_session

from dataflow.errors import Misconfigured
from dataflow.inputs.files import Listing, is_skipped
from dataflow.inputs.input import PIECE_BYTES, S3_SCHEME, Input, Pieces, UnreadableInput
from dataflow.s3 import client_arguments, status_of
from dataflow.settings import Settings

ATTEMPTS = 4
ERRORS = (BotoCoreError, ClientError, RecursionError)  # the last: of the SDK, for redirects without end

Client = Any  # made by botocore from a description of the service, at run time


class S3Objects:
    """Objects of the S3-compatible server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _client(self) -> Client:
        try:
            return get_session().create_client(**client_arguments(self._settings, Config, ATTEMPTS))
        except ValueError as error:
            raise Misconfigured(
                f"DATAFLOW_S3_ENDPOINT is '{self._settings.s3_endpoint}'; expected http(s)://host:port"
            ) from error

    def under(self, place: str) -> Listing:
        """Yield the objects of a prefix, without hidden and unfinished ones, as with files."""
        bucket, prefix = _bucket_and_key(place)
        is_empty = True
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for listed in chain.from_iterable(page.get("Contents", ()) for page in pages):
                key = listed["Key"]
                is_empty = False
                below = key.removeprefix(prefix).split("/")
                if not key.endswith("/") and not any(map(is_skipped, below)):
                    yield self._object(bucket, key, listed)
        except ERRORS as error:
            yield _unreadable(place, error)
            return
        if is_empty:
            yield UnreadableInput(f"{place} has no object; expected at least one")

    def at(self, path: str) -> Input | None:
        """Return the object of a path; None if it does not exist."""
        bucket, key = _bucket_and_key(path)
        try:
            head = self._client.head_object(Bucket=bucket, Key=key)
        except ERRORS as error:
            if isinstance(error, ClientError) and status_of(error) == 404:
                return None
            raise _unreadable(path, error) from error
        return self._object(bucket, key, {"Size": head["ContentLength"], **head})

    def _object(self, bucket: str, key: str, description: dict[str, Any]) -> Input:
        version = str(description["ETag"])
        return Input(
            f"{S3_SCHEME}{bucket}/{key}",
            int(description["Size"]),
            version,
            is_finished=True,
            open=partial(self._pieces, bucket, key, version),
        )

    def _pieces(self, bucket: str, key: str, version: str) -> Pieces:
        try:
            body = self._client.get_object(Bucket=bucket, Key=key, IfMatch=version)["Body"]
            with body:
                while piece := body.read(PIECE_BYTES):
                    yield piece
        except ERRORS as error:
            raise _unreadable(f"{S3_SCHEME}{bucket}/{key}", error) from error


def _bucket_and_key(place: str) -> tuple[str, str]:
    # No address to be parsed: a key may have any character, and each belongs to it.
    bucket, _, key = place.removeprefix(S3_SCHEME).partition("/")
    return bucket, key


def _unreadable(place: str, error: Exception) -> UnreadableInput:
    if isinstance(error, ParamValidationError):  # its words are several lines of patterns
        return UnreadableInput(f"{place} names no bucket that can be; expected s3://bucket/prefix")
    return UnreadableInput(
        f"{place} cannot be read ({error}); expected an object that can; see DATAFLOW_S3_*"
    )
