"""Buckets as somebody else reads them: a server's URL in; objects, and the ids of their records, out."""

import gzip
from typing import Any

import boto3
import orjson
from botocore.config import Config
from pydantic import SecretStr
from sinks.servers_s3 import ACCESS_KEY, SECRET_KEY

from dataflow.settings import Settings
from dataflow.settings.values import Address


def a_connection(url: str, bucket: str, **chosen: Any) -> Settings:
    """Return how a sink reaches a bucket of a test's server, and what else is set."""
    secret = SecretStr(SECRET_KEY)
    return Settings(
        s3_bucket=bucket,
        s3_endpoint=Address(url),
        s3_region="us-east-1",
        s3_access_key=ACCESS_KEY,
        s3_secret_key=secret,
        **chosen,
    )


class Bucket:
    """A bucket, read by a client that shares nothing with the sink's."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self.s3 = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}),
        )

    def keys(self) -> list[str]:
        """Return the keys of all objects, in order; none if there is no bucket yet."""
        return sorted(self._sizes())

    def size(self) -> int:
        """Return how many bytes all objects have together."""
        return sum(self._sizes().values())

    def _sizes(self) -> dict[str, int]:
        if self.name not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            return {}
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", ())}

    def get(self, key: str) -> bytes:
        """Return an object."""
        return bytes(self.s3.get_object(Bucket=self.name, Key=key)["Body"].read())

    def objects(self) -> dict[str, bytes]:
        """Return all objects."""
        return {key: self.get(key) for key in self.keys()}

    def lines(self) -> list[bytes]:
        """Return the lines of all objects."""
        return [line for raw in self.objects().values() for line in gzip.decompress(raw).splitlines()]

    def ids(self) -> list[int]:
        """Return the event ids of all records of all objects, in order."""
        return sorted(int(orjson.loads(line)["event_id"]) for line in self.lines())
