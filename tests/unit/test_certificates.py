"""Certificates: their end is known, so that an alert comes in time."""

import ssl
import time
from pathlib import Path

import pytest

from dataflow.certificates import expires_at
from dataflow.provisioning.certificate_authority import make_authority, make_key, sign_server

KEY = make_key()
AUTHORITY = make_authority(KEY, "ca")


def signed(days: int) -> bytes:
    """Return a certificate that is valid for so long."""
    return sign_server(AUTHORITY, KEY, KEY, ["localhost"], days)


@pytest.mark.parametrize("days", [30, 14_600])
def test_the_end_is_that_of_the_certificate(tmp_path: Path, days: int):
    """Both forms of time: two digits of the year up to 2049, four from then on; beside a key, too."""
    path = tmp_path / "server.pem"
    path.write_bytes(KEY + signed(days))
    assert expires_at(path).timestamp() == pytest.approx(time.time() + days * 86_400, abs=300)


@pytest.mark.parametrize("chain", [(signed(30), AUTHORITY), (AUTHORITY, signed(30))])
def test_the_first_of_a_chain_to_end_counts(tmp_path: Path, chain: tuple[bytes, bytes]):
    """Clients refuse a chain of which any part is over."""
    (tmp_path / "chain.pem").write_bytes(b"".join(chain))
    assert expires_at(tmp_path / "chain.pem").timestamp() < time.time() + 31 * 86_400


@pytest.mark.parametrize("content", ["", "no PEM", ssl.DER_cert_to_PEM_cert(b"no DER")])
def test_a_file_without_a_certificate_is_a_value_error(tmp_path: Path, content: str):
    """The log says what is wrong with it; metrics leave it out."""
    (tmp_path / "empty.pem").write_text(content)
    with pytest.raises(ValueError, match=r"."):
        expires_at(tmp_path / "empty.pem")
