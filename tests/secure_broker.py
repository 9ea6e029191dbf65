"""A broker behind TLS and passwords: a folder in; certificates and a broker's properties out."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dataflow.demo.broker.ports import HOST, free_port


class SecureListener:
    """A SASL_SSL listener (PLAIN) beside the open one, and what a client needs for it."""

    user, password = "bob", "bob-secret"

    def __init__(self, folder: Path) -> None:
        """Make the certificate, self-signed: `ca_file` is it alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file, self._key_store = folder / "ca.crt", folder / "broker.pem"
        self.open_port, self._port, self._control = free_port(), free_port(), free_port()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key).public_bytes(serialization.Encoding.PEM)
        self.ca_file.write_bytes(certificate)
        self._key_store.write_bytes(_pem(key) + certificate)

    @property
    def address(self) -> str:
        """Return where clients with a password connect."""
        return f"{HOST}:{self._port}"

    @property
    def properties(self) -> dict[str, str]:
        """Return what `EmbeddedBroker` is given, with `open_port` as its port."""
        for_clients = f"PLAINTEXT://{HOST}:{self.open_port},SASL_SSL://{self.address}"
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
        return {
            "listeners": f"{for_clients},CONTROLLER://{HOST}:{self._control}",
            "advertised.listeners": for_clients,
            "controller.quorum.voters": f"1@{HOST}:{self._control}",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                f'{plain} required user_{self.user}="{self.password}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._key_store),
        }


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker of a test")])
    names = [x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(  # PKCS#8: the only form Kafka reads
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
