"""Certificate authority: a private one, and the server certificates that it signs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dataflow.errors import Misconfigured

AUTHORITY_DAYS: Final = 3_650
CLOCKS_APART: Final = timedelta(hours=1)
PEM: Final = serialization.Encoding.PEM


def make_key() -> bytes:
    """Return a new private key (PEM, PKCS #8, which is the only form that Kafka reads)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def make_authority(key: bytes, name: str) -> bytes:
    """Return the certificate of an authority of this name, signed by its own key."""
    private = _private_key(key)
    subject = _name(name)
    builder = _builder(subject, subject, private.public_key(), AUTHORITY_DAYS)
    usage = _key_usage(is_authority=True)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(private, hashes.SHA256())
        .public_bytes(PEM)
    )


def sign_server(authority: bytes, authority_key: bytes, key: bytes, hosts: Sequence[str], days: int) -> bytes:
    """Return the certificate of a server that is reached by these names and addresses; the first names it."""
    issuer, private = x509.load_pem_x509_certificate(authority), _private_key(authority_key)
    public = _private_key(key).public_key()
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _builder(_name(hosts[0]), issuer.subject, public, days)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False
        )
        .sign(private, hashes.SHA256())
        .public_bytes(PEM)
    )


def is_signed_for(certificate: bytes, authority: bytes, key: bytes, hosts: Sequence[str]) -> bool:
    """Tell whether an authority has signed a certificate, for this key and all these names and addresses."""
    try:
        signed = x509.load_pem_x509_certificate(certificate)
        issuer = x509.load_pem_x509_certificate(authority)
        signed.verify_directly_issued_by(issuer)
        names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    is_of_key = signed.public_key() == _private_key(key).public_key()
    return is_of_key and {_host(host) for host in hosts} <= set(names)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        loaded = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(
            f"private key cannot be read ({error}); expected PEM without a password"
        ) from error
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise Misconfigured(f"private key is {type(loaded).__name__}; expected one of an elliptic curve")
    return loaded


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])  # RFC 5280 allows no more


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text.lower())
