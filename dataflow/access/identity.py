"""Identity: who a client is, and the roles that it has."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dataflow.access.worker_proof import Asked
from dataflow.errors import one_of


class AccessRole(StrEnum):
    """What a route needs, and an identity may have; no identity is given the first two."""

    EVERYBODY = "everybody"
    """The route answers everybody."""
    WORKER = "worker"
    """The route answers other workers alone."""
    METRICS = "metrics"
    SEND = "send"
    """Send events; of all streams, or of those that are named."""
    READ = "read"
    """See what is counted, and the metrics."""
    EDIT = "edit"
    """Read, change rules and streams that pause, see dead letters as they were sent, and replay them."""
    ADMIN = "admin"
    """All of it, and drop what is counted."""


GIVEN: Final = (AccessRole.METRICS, AccessRole.SEND, AccessRole.READ, AccessRole.EDIT, AccessRole.ADMIN)

_READ: Final = frozenset({AccessRole.READ, AccessRole.METRICS})
_INCLUDED: Final[Mapping[AccessRole, frozenset[AccessRole]]] = {
    AccessRole.READ: _READ,
    AccessRole.EDIT: _READ | {AccessRole.EDIT},
    AccessRole.ADMIN: frozenset(GIVEN),
}


@dataclass(frozen=True, slots=True)
class Grants:
    """The roles of an identity, with those that they include."""

    roles: frozenset[AccessRole] = frozenset()
    streams: frozenset[str] = frozenset()
    """Streams that it may send, beside `AccessRole.SEND`, which is for all."""

    def allow(self, role: AccessRole, stream: str | None) -> bool:
        """Tell whether this is enough for a route that needs this role, and takes events of this stream."""
        return role in self.roles or (role is AccessRole.SEND and stream in self.streams)


def read_grants(texts: Iterable[str], streams: Collection[str]) -> Grants:
    """Return what roles as people write them allow; raise ValueError that says what was expected."""
    roles: set[AccessRole] = set()
    sent: set[str] = set()
    for text in texts:
        role, colon, stream = text.partition(":")
        if role not in GIVEN or (colon and role != AccessRole.SEND):
            raise ValueError(f"role is '{text}'; expected {one_of(GIVEN)}, or send:STREAM")
        if not colon:
            given = AccessRole(role)
            roles |= _INCLUDED.get(given, frozenset({given}))
        elif stream in streams:
            sent.add(stream)
        else:
            raise ValueError(f"stream of role '{text}' is '{stream}'; expected {one_of(streams)}")
    return Grants(frozenset(roles), frozenset(sent))


class IdentityKind(StrEnum):
    """How a client has shown who it is."""

    EVERYBODY = "everybody"
    """It has shown nothing."""
    USER = "user"
    TOKEN = "token"  # noqa: S105 - no token
    CERTIFICATE = "certificate"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: a name of the access file, another worker, or just anybody."""

    kind: IdentityKind
    name: str
    grants: Grants

    def __str__(self) -> str:
        """Return it as authors are written down: ``user ann``."""
        return f"{self.kind} {self.name}".rstrip()

    def may(self, role: AccessRole, stream: str | None = None) -> bool:
        """Tell whether it may use a route that needs this role, and takes events of this stream."""
        return role is AccessRole.EVERYBODY or self.grants.allow(role, stream)


OTHER_WORKER: Final = Identity(
    IdentityKind.WORKER, "", Grants(_INCLUDED[AccessRole.ADMIN] | {AccessRole.WORKER})
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows of itself."""

    address: str
    authorization: str | None = None
    asked: Asked | None = None
    """What the proof of a worker has to be for; None where no worker can be meant."""
    certificate_names: tuple[str, ...] = ()
    """Names in a client certificate that the TLS layer has verified; empty without one."""
