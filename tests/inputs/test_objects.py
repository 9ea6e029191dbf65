"""Objects of an S3 server: read under a prefix, each once, and told when they cannot be."""

import gzip
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from sinks.servers_s3 import ACCESS_KEY, SECRET_KEY, moto_server

from dataflow.inputs.input import UnreadableInput
from dataflow.inputs.places import Places
from dataflow.settings import Settings

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the URL of an S3 server."""
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(server: str, unique):
    """Return a bucket of the test's own."""
    client = boto3.client(
        "s3",
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )
    name = unique("logs")
    client.create_bucket(Bucket=name)
    yield OwnBucket(client, name)
    client.close()


class OwnBucket:
    """A bucket to put objects into."""

    def __init__(self, client, name: str) -> None:
        self.name = name
        self._client = client

    def put(self, key: str, body: bytes) -> None:
        """Store an object."""
        self._client.put_object(Bucket=self.name, Key=key, Body=body)


def the_settings(server: str) -> Settings:
    """Return settings that reach the server."""
    return Settings(
        s3_endpoint=server, s3_region="us-east-1", s3_access_key=ACCESS_KEY, s3_secret_key=SECRET_KEY
    )


def test_a_prefix_means_the_objects_under_it(server, bucket):
    """In the order of their keys, less hidden and unfinished ones; a pattern has no meaning there."""
    for key in ("in/b", "in/a.gz", "in/x/c?d#e", "in/.hidden", "in/_tmp/d.part", "in/folder/", "out/a"):
        bucket.put(key, b"a\n")
    found = list(Places(the_settings(server)).inputs_at([f"s3://{bucket.name}/in/"]))
    names = [source.path.removeprefix(f"s3://{bucket.name}/in/") for source in found]
    assert names == ["a.gz", "b", "x/c?d#e"]
    assert [b"".join(source.open()) for source in found] == [b"a\n"] * 3


def test_an_object_that_was_written_anew_has_another_version(server, bucket):
    """That is how a run knows what it need not look at."""
    places = Places(the_settings(server))
    bucket.put("a", b"one\n")
    first = places.input_at(f"s3://{bucket.name}/a")
    bucket.put("a", b"one\ntwo\n")
    second = places.input_at(f"s3://{bucket.name}/a")
    assert first.version != second.version
    with pytest.raises(UnreadableInput, match="cannot be read"):  # of what was listed nothing else is read
        list(first.open())
    assert places.input_at(f"s3://{bucket.name}/none") is None


@pytest.mark.parametrize("place", ["s3://{bucket}/none", "s3://no-such-bucket/", "s3://x!/"])
def test_a_place_without_objects_is_told(server, bucket, place):
    """A typing error, most often."""
    place = place.format(bucket=bucket.name)
    [told] = Places(the_settings(server)).inputs_at([place])
    assert isinstance(told, UnreadableInput)
    assert str(told).startswith(f"{place} ")


def test_objects_are_read_once_and_known_as_files(server, bucket, own, tmp_path):
    """One that was overwritten with more has only that as new; a file of the same content adds nothing."""
    settings = {
        "s3_endpoint": server,
        "s3_region": "us-east-1",
        "s3_access_key": ACCESS_KEY,
        "s3_secret_key": SECRET_KEY,
    }
    bucket.put("2026/a.ndjson.gz", gzip.compress(b'{"id":1}\n{"id":2}'))
    place = f"s3://{bucket.name}/2026"
    assert own.ingest(place, "--as", "bookings", **settings)["lines"] == 2
    assert own.ingest(place, "--as", "bookings", **settings)["already_in"] == 1
    bucket.put("2026/a.ndjson.gz", gzip.compress(b'{"id":1}\n{"id":2}\n{"id":3}\n'))
    bucket.put("2026/b.ndjson", b'{"id":4}\n')
    (tmp_path / "copy.ndjson").write_bytes(b'{"id":4}\n')
    told = own.ingest(place, tmp_path / "copy.ndjson", "--as", "bookings", **settings)
    assert (told["lines"], told["inputs_read"], told["already_in"]) == (2, 2, 1)
    assert own.lines("expedia") == [b'{"id":%d}' % number for number in (1, 2, 3, 4)]


def test_a_server_that_is_away_is_told(own):
    """One line, and a code that says it."""
    settings = {"s3_endpoint": "http://127.0.0.1:9", "s3_access_key": "a", "s3_secret_key": "b"}
    told = own.ingest("s3://b/p", "--as", "bookings", code=1, s3_region="us-east-1", **settings)
    assert len(told["failed"]) == 1
    assert "s3://b/p cannot be read" in told["said"]
