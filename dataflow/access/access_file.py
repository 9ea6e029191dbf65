"""The access file: users, tokens and certificate names with their roles; no secret of it is ever shown."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from dataflow.access.identity import Grants, Identity, IdentityKind, read_grants
from dataflow.errors import Misconfigured
from dataflow.small_files import read_small_file

BCRYPT: Final = re.compile(rb"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
"""A cost of 14 takes a second: with more, guessing would hold up everybody who logs in.

The salt has 128 bits: two of its last character. For others bcrypt would raise an error at each login.
"""

MOST_BYTES: Final = 16 << 20
"""An access file of 50,000 entries is smaller."""

SHA256: Final = re.compile(r"[0-9a-f]{64}")


class GivenRoles(msgspec.Struct, forbid_unknown_fields=True):
    """An entry of the file: a certificate's name needs no more."""

    roles: list[str]


class GivenUser(GivenRoles):
    """A user, with what ``htpasswd -nB`` writes after the colon."""

    password: str


class GivenToken(GivenRoles):
    """A token, of which the file has only the hash."""

    sha256: str


class AccessDocument(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it is written."""

    users: dict[str, GivenUser] = {}
    tokens: dict[str, GivenToken] = {}
    certificates: dict[str, GivenRoles] = {}


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the hash of the password."""

    identity: Identity
    hashed: bytes

    @property
    def cost(self) -> int:
        """How slow a check is: each step doubles it."""
        return int(self.hashed.split(b"$")[2])


@dataclass(frozen=True, slots=True)
class AccessList:
    """Who is known, by what each has to show."""

    users: Mapping[str, Account]
    tokens: Mapping[bytes, Identity]
    certificates: Mapping[str, Identity]

    @property
    def cost(self) -> int:
        """The cost of the slowest password, which a wrong one takes whoever the user is."""
        return max((account.cost for account in self.users.values()), default=0)

    @property
    def schemes(self) -> Sequence[str]:
        """How clients can authenticate by a header."""
        known = {"Basic": self.users or self.tokens, "Bearer": self.tokens}
        return [scheme for scheme, those in known.items() if those]


def read_access_file(path: Path, streams: Collection[str]) -> AccessList:
    """Return who is known; `Misconfigured` names the entry that is wrong, and never a hash."""
    try:
        document = msgspec.toml.decode(read_small_file(path, MOST_BYTES), type=AccessDocument)
    except (OSError, ValueError, RecursionError) as error:
        raise Misconfigured(
            f"access file {path} cannot be used: {error}; expected TOML as docs/security.md shows it"
        ) from error
    if not (document.users or document.tokens or document.certificates):
        raise Misconfigured(f"access file {path} names nobody; expected a user, a token or a certificate")
    reading = _Reading(path, streams)
    return AccessList(
        {name: reading.account(name, user) for name, user in document.users.items()},
        reading.tokens(document.tokens),
        {
            name: Identity(IdentityKind.CERTIFICATE, name, reading.grants("certificates", name, each))
            for name, each in document.certificates.items()
        },
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    path: Path
    streams: Collection[str]

    def account(self, name: str, user: GivenUser) -> Account:
        hashed = user.password.encode()
        if ":" in name or not BCRYPT.fullmatch(hashed):
            raise self.fault("users", name, "is no user with a bcrypt hash", _HTPASSWD)
        return Account(Identity(IdentityKind.USER, name, self.grants("users", name, user)), hashed)

    def tokens(self, given: Mapping[str, GivenToken]) -> dict[bytes, Identity]:
        known: dict[bytes, Identity] = {}
        for name, token in given.items():
            if not SHA256.fullmatch(token.sha256):
                raise self.fault(
                    "tokens", name, "has no SHA-256", "64 hexadecimal digits, as sha256sum writes"
                )
            identity = Identity(IdentityKind.TOKEN, name, self.grants("tokens", name, token))
            if (owner := known.setdefault(bytes.fromhex(token.sha256), identity)) is not identity:
                raise self.fault("tokens", name, f"is the token of [tokens.{owner.name}]", "one of its own")
        return known

    def grants(self, table: str, name: str, given: GivenRoles) -> Grants:
        try:
            return read_grants(given.roles, self.streams)
        except ValueError as error:
            raise Misconfigured(f"[{table}.{name}] of access file {self.path}: {error}") from error

    def fault(self, table: str, name: str, what: str, expected: str) -> Misconfigured:
        return Misconfigured(f"[{table}.{name}] of access file {self.path} {what}; expected {expected}")


_HTPASSWD = "what `htpasswd -nB NAME` writes after the colon, of a cost from 4 to 14, and no colon in NAME"


def fingerprint(token: str) -> bytes:
    """Return what is kept of a token: looking it up tells an eavesdropper on time nothing."""
    return sha256(token.encode(errors="surrogateescape")).digest()
