"""S3 servers as they are: their certificates, host names, checksums, classes, keys and refusals."""

import io
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from secure_broker import SecureListener
from sinks.buckets import Bucket, a_connection
from sinks.servers_s3 import NO_VERSITYGW, VERSITYGW, Versitygw, moto_server

from dataflow.errors import SinkUnavailable
from dataflow.sinks.s3.store import PART_BYTES, UNCONDITIONAL, connected

needs_versitygw = pytest.mark.skipif(not VERSITYGW, reason=NO_VERSITYGW)
LARGE = PART_BYTES + 1
DOMAIN = "s3.test"


async def store_two(settings) -> None:
    """Store an object at once, and one in parts."""
    async with connected(settings) as store:
        for name, size in (("small", 10), ("large", LARGE)):
            await store.put(name, io.BytesIO(bytes(size)), "text/plain", {}, UNCONDITIONAL)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, (None, None, None)),
        ({"s3_storage_class": "STANDARD_IA"}, ("STANDARD_IA", None, None)),
        ({"s3_encryption": "AES256"}, (None, "AES256", None)),
        ({"s3_encryption": "aws:kms", "s3_kms_key": "alias/logs"}, (None, "aws:kms", "alias/logs")),
    ],
)
async def test_every_object_has_the_storage_class_and_the_encryption_that_are_set(unique, chosen, expected):
    """At once and in parts alike: a policy of the bucket may refuse others."""
    with moto_server() as url:
        bucket = Bucket(url, unique("options"))
        await store_two(a_connection(url, bucket.name, **chosen))
        for key in ("small", "large"):
            head = bucket.s3.head_object(Bucket=bucket.name, Key=key)
            names = ("StorageClass", "ServerSideEncryption", "SSEKMSKeyId")
            assert tuple(map(head.get, names)) == expected


@needs_versitygw
async def test_a_server_with_a_certificate_of_its_own_is_known_by_its_ca(tmp_path, unique):
    """Without the file it is not: nothing is sent to whoever answers."""
    listener = SecureListener(tmp_path / "certificates")
    key_file = str(listener._key_store)
    server = Versitygw(tmp_path / "objects", "--cert", key_file, "--key", key_file, scheme="https")
    server.start()
    try:
        with pytest.raises(SinkUnavailable, match=r"(?i)certificate.verify.failed"):
            await store_two(a_connection(server.url, unique("tls")))
        await store_two(a_connection(server.url, unique("tls"), s3_ca_file=listener.ca_file))
        assert (tmp_path / "objects" / unique("tls") / "large").stat().st_size == LARGE
    finally:
        server.kill()


@needs_versitygw
async def test_a_ca_that_is_replaced_is_trusted_at_the_next_connection(tmp_path, unique, monkeypatch):
    """A server whose CA is renewed was an outage until the worker was started anew."""
    monkeypatch.setattr("dataflow.watched_files.LOOK_SECONDS", 0.0)
    right, wrong = (SecureListener(tmp_path / name) for name in ("right", "wrong"))
    key_file = str(right._key_store)
    server = Versitygw(tmp_path / "objects", "--cert", key_file, "--key", key_file, scheme="https")
    server.start()
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(right.ca_file.read_bytes())
    try:
        async with connected(a_connection(server.url, unique("renewed"), s3_ca_file=trusted)) as store:
            for ca, is_trusted in ((wrong, False), (right, True)):
                trusted.write_bytes(ca.ca_file.read_bytes())
                server.kill()  # so that the next request needs a new connection
                server.start()
                put = store.put("small", io.BytesIO(b"x"), "text/plain", {}, UNCONDITIONAL)
                if is_trusted:
                    await put
                else:
                    with pytest.raises(SinkUnavailable, match=r"(?i)certificate.verify.failed"):
                        await put
    finally:
        server.kill()


@needs_versitygw
async def test_a_bucket_can_be_a_part_of_the_host_name(tmp_path, unique, monkeypatch):
    """As on Amazon, and as some other servers want it."""
    names = [f"{DOMAIN}", f"{unique('virtual')}.{DOMAIN}"]
    resolve = socket.getaddrinfo

    def resolve_ours(host, *rest, **more):
        return resolve("127.0.0.1" if host in names else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_ours)
    server = Versitygw(tmp_path / "objects", "--virtual-domain", DOMAIN)
    server.start()
    try:
        url = f"http://{DOMAIN}:{server.port}"
        await store_two(a_connection(url, unique("virtual"), s3_addressing="virtual"))
        assert (tmp_path / "objects" / unique("virtual") / "small").stat().st_size == 10
        with pytest.raises(SinkUnavailable):  # the server takes the host for that of a bucket
            await store_two(a_connection(f"http://x.{DOMAIN}:{server.port}", "logs", s3_addressing="path"))
    finally:
        server.kill()


@needs_versitygw
@pytest.mark.parametrize("checksums", ["when_required", "when_supported"])
async def test_a_server_that_knows_the_checksums_takes_both_kinds_of_requests(tmp_path, unique, checksums):
    """It checks those that come."""
    server = Versitygw(tmp_path / "objects")
    server.start()
    try:
        await store_two(a_connection(server.url, unique("sums"), s3_checksums=checksums))
        assert Bucket(server.url, unique("sums")).keys() == ["large", "small"]
    finally:
        server.kill()


class StubbornServer:
    """Refuses checksum headers, and answers as it is told to whoever makes a bucket."""

    def __init__(self) -> None:
        self.on_create = (200, "")
        self.stored: set[str] = set()

    def app(self) -> web.Application:
        """Return it as an app."""
        app = web.Application(client_max_size=2**30)
        app.router.add_route("HEAD", "/{bucket}", self._head)
        app.router.add_route("PUT", "/{bucket}", self._create)
        app.router.add_route("*", "/{bucket}/{key}", self._object)
        return app

    async def _head(self, request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def _create(self, request: web.Request) -> web.Response:
        status, code = self.on_create
        return _answer(status, f"<Error><Code>{code}</Code><Message>so</Message></Error>" if code else "")

    async def _object(self, request: web.Request) -> web.Response:
        names = [name.lower() for name in request.headers]
        if any(name.startswith(("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer")) for name in names):
            return _answer(501, "<Error><Code>NotImplemented</Code><Message>checksum</Message></Error>")
        await request.read()
        if request.method == "POST" and "uploads" in request.query:
            made = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            return _answer(200, made)
        if request.method == "POST" or "partNumber" not in request.query:
            self.stored.add(request.match_info["key"])
        done = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
        return _answer(200, done if request.method == "POST" else "")


def _answer(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="application/xml", headers={"ETag": '"e"'})


async def test_a_server_that_refuses_checksum_headers_gets_none_unless_they_are_asked_for():
    """The SDK sends them by default since 2025; servers that do not know them took no object."""
    stubborn = StubbornServer()
    async with TestServer(stubborn.app()) as server:
        url = str(server.make_url("/")).rstrip("/")
        await store_two(a_connection(url, "logs"))
        assert stubborn.stored == {"small", "large"}
        with pytest.raises(SinkUnavailable, match="NotImplemented"):
            await store_two(a_connection(url, "logs", s3_checksums="when_supported"))


async def test_a_bucket_that_somebody_has_made_since_is_used_or_told_of():
    """Workers that start at once ask at once; a name that another account has needs a person."""
    stubborn = StubbornServer()
    async with TestServer(stubborn.app()) as server:
        url = str(server.make_url("/")).rstrip("/")
        stubborn.on_create = (409, "BucketAlreadyOwnedByYou")
        await store_two(a_connection(url, "logs"))
        assert stubborn.stored == {"small", "large"}
        stubborn.on_create = (409, "BucketAlreadyExists")
        with pytest.raises(SinkUnavailable) as told:
            await store_two(a_connection(url, "logs"))
        assert str(told.value) == (
            "S3: bucket logs belongs to another account; expected another name in DATAFLOW_S3_BUCKET, or the "
            "right to list and write that bucket"
        )
        stubborn.on_create = (409, "OperationAborted")
        with pytest.raises(SinkUnavailable, match="OperationAborted"):
            await store_two(a_connection(url, "logs"))
