"""Certificates: until when those of a PEM file are valid."""

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

UTC_TIME: Final = 0x17
VERSION: Final = 0xA0


def expires_at(path: Path) -> float:
    """Return when the first of a chain ends, in seconds since 1970; raise ValueError if there is none."""
    found = PEM.findall(path.read_text("ascii", "replace"))
    return min(not_after(ssl.PEM_cert_to_DER_cert(certificate)) for certificate in found)


def not_after(der: bytes) -> float:
    """Return the end of a certificate's validity (RFC 5280, 4.1) in seconds since 1970."""
    [(_, certificate)] = _elements(der)
    _, signed = next(_elements(certificate))
    fields = [field for field in _elements(signed) if field[0] != VERSION]
    _, _, _, (_, validity), *_ = fields  # behind serial number, algorithm and issuer
    _, (tag, end) = _elements(validity)
    form = "%y%m%d%H%M%SZ" if tag == UTC_TIME else "%Y%m%d%H%M%SZ"
    parsed = datetime.strptime(end.decode(), form).replace(tzinfo=UTC)
    if tag == UTC_TIME and parsed.year >= 2050:  # of two digits, 50 to 99 are of the century before
        parsed = parsed.replace(year=parsed.year - 100)
    return parsed.timestamp()


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element of a sequence of them."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start])
        yield tag, der[start : start + length]
        der = der[start + length :]
