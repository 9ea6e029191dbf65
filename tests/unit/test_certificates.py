"""Certificates: their end is read as OpenSSL reads it, so that an alert comes in time."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from harness.certificates import Authority

from dataflow.certificates import expires_at, not_after

UTC_TIME, GENERALIZED_TIME = b"\x17\x0d260131120000Z", b"\x18\x0f20600131120000Z"


def element(tag: int, *parts: bytes) -> bytes:
    """Return an element of DER."""
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def certificate(end: bytes, *, version: bytes = b"\xa0\x03\x02\x01\x02") -> bytes:
    """Return what a certificate is made of, up to its validity and a subject."""
    fields = (b"\x02\x01\x01", element(0x30), element(0x30), element(0x30, UTC_TIME, end), element(0x30))
    return element(0x30, element(0x30, version, *fields))


def test_the_end_is_that_of_the_certificate(tmp_path: Path):
    """The file of a key, or of a chain, is in the same form."""
    Authority(tmp_path, "ca").issue("server")
    path = tmp_path / "server.crt"
    parsed = x509.load_pem_x509_certificate(path.read_bytes())
    assert expires_at(path) == parsed.not_valid_after_utc.timestamp()


def test_the_first_of_a_chain_to_end_counts(tmp_path: Path):
    """Clients refuse a chain of which any part is over."""
    chain = [ssl.DER_cert_to_PEM_cert(certificate(end)) for end in (GENERALIZED_TIME, UTC_TIME)]
    (tmp_path / "chain.pem").write_text("".join(chain))
    assert expires_at(tmp_path / "chain.pem") == datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()


def test_a_file_without_a_certificate_is_a_value_error(tmp_path: Path):
    """The log says what is wrong with it; metrics leave it out."""
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ValueError, match="empty"):
        expires_at(tmp_path / "empty.pem")


@pytest.mark.parametrize(
    ("end", "when"),
    [
        (UTC_TIME, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (GENERALIZED_TIME, datetime(2060, 1, 31, 12, tzinfo=UTC)),
        (b"\x17\x0d550131120000Z", datetime(1955, 1, 31, 12, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("version", [b"", b"\xa0\x03\x02\x01\x02"])
def test_both_forms_of_time_are_read(end: bytes, when: datetime, version: bytes):
    """RFC 5280: two digits up to 2049, four from then on; a version is not always there."""
    assert not_after(certificate(end, version=version)) == when.timestamp()
