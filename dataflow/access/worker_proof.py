"""The workers' proof: shows that a request comes from a worker that has the secret, which never travels."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Final

from yarl import URL

from dataflow.instants import now_ms

SCHEME: Final = "worker"
CLOCK_SECONDS: Final = 300
"""How far two clocks may be apart; so long a proof that was overheard is good, for the same request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a proof is good for: one method, and one address with its query, at one host."""

    method: str
    host: str
    target: str

    def proof(self, secret: str, at_ms: int) -> str:
        """Return the proof of who has the secret."""
        host = self.host.lower().removesuffix(":80").removesuffix(":443")
        message = f"{at_ms} {self.method.upper()} {host}{self.target}"
        return hmac_digest(secret.encode(), message.encode(errors="surrogateescape"), sha256).hex()


def proof_headers(secret: str, method: str, address: str) -> Mapping[str, str]:
    """Return the headers by which another worker knows the sender of a request."""
    url, at_ms = URL(address), now_ms()
    proof = Asked(method, url.host_port_subcomponent or "", url.raw_path_qs).proof(secret, at_ms)
    return {"Authorization": f"{SCHEME.capitalize()} {at_ms}:{proof}"}


def seconds_ahead(shown: str, secret: str, asked: Asked) -> float | None:
    """Return how far the time of a proof for what is asked is ahead of our clock; None if it is no proof."""
    at, _, proof = shown.partition(":")
    if not (at.isascii() and at.isdecimal() and len(at) < 20 and proof.isascii()):
        return None
    at_ms = int(at)
    if not compare_digest(proof, asked.proof(secret, at_ms)):
        return None
    return (at_ms - now_ms()) / 1000
