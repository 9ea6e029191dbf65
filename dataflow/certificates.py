"""Certificates: until when those of a PEM file are valid."""

from datetime import datetime
from pathlib import Path


def expires_at(path: Path) -> datetime:
    """Return when the first of a chain ends; raise ValueError if there is no certificate."""
    from cryptography import x509  # a worker without certificates does not load it

    return min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(path.read_bytes()))
