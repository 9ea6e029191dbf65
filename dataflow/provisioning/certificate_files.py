"""Certificate files: a private CA, and a key and a certificate for each server."""

from collections.abc import Mapping, Sequence
from typing import Final

from dataflow.errors import Misconfigured
from dataflow.provisioning.certificate_authority import is_signed_for, make_authority, make_key, sign_server
from dataflow.provisioning.secret_folder import FileState, SecretFolder

SERVERS: Final = ("kafka", "workers", "postgres", "s3", "opensearch")
LOCAL: Final = ("localhost", "127.0.0.1", "::1")
CA_CERTIFICATE, CA_KEY = "ca.crt", "ca.key"


def make_certificates(folder: SecretFolder, hosts: Mapping[str, Sequence[str]], days: int) -> bytes:
    """Make what is missing; return the certificate of the CA. Raises `Misconfigured`.

    `hosts` has further names and addresses of servers, and further servers. `SERVER.pem` is key and
    certificate in one file, as Kafka and HAProxy want them.
    """
    authority = _authority(folder)
    for server in dict.fromkeys((*SERVERS, *hosts)):
        _make_certificate(folder, authority, (server, *hosts.get(server, ()), *LOCAL), days)
    return authority


def _authority(folder: SecretFolder) -> bytes:
    """Return the certificate of the CA; its key may be kept elsewhere once all are signed."""
    if folder.read(CA_CERTIFICATE) is None:
        key = folder.keep(CA_KEY, make_key)
        return folder.keep(CA_CERTIFICATE, lambda: make_authority(key, "Dataflow private CA"))
    if folder.read(CA_KEY) is not None:
        folder.keep(CA_KEY, make_key)
    return folder.keep(CA_CERTIFICATE, bytes)


def _make_certificate(folder: SecretFolder, authority: bytes, hosts: Sequence[str], days: int) -> None:
    server = hosts[0]
    key = folder.keep(f"{server}.key", make_key)

    def signed() -> bytes:
        authority_key = folder.read(CA_KEY)
        if authority_key is None:
            raise Misconfigured(
                f"file {folder.path / CA_KEY} is missing; expected the key of {CA_CERTIFICATE}, "
                f"to sign {server}.crt"
            )
        return sign_server(authority, authority_key, key, hosts, days)

    certificate = folder.keep(f"{server}.crt", signed)
    if not is_signed_for(certificate, authority, key, hosts):
        folder.states[f"{server}.crt"] = FileState.DIFFERS
    folder.derive(f"{server}.pem", key + certificate)
