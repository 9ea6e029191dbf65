"""Sessions: a signed text that a browser keeps in place of a password, worth what its owner is worth now."""

import binascii
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

import msgspec

from dataflow.access.access_file import AccessList
from dataflow.access.identity import Identity, IdentityKind

SESSION_SECONDS: Final = 12 * 3_600

Entry = tuple[Identity, bytes]
"""An identity of the access file, and what the file keeps of its secret."""


class Session(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Who has logged in, and until when that counts."""

    kind: IdentityKind
    name: str
    ends_at: int


class LoginSessions:
    """Any worker with the same secret knows the sessions of all; none keeps anything of them.

    The signature covers what the access file keeps of the password: a session ends at once when
    that is changed or its owner is removed, and has the roles that its owner has now.
    """

    def __init__(self, worker_secret: str, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(worker_secret.encode(), b"sessions of dataflow", "sha256")
        self._clock = clock

    def begin(self, identity: Identity, known: AccessList) -> str:
        """Return what the browser of somebody who has just logged in keeps."""
        session = Session(identity.kind, identity.name, int(self._clock()) + SESSION_SECONDS)
        _, stored = _entry(known, session) or (identity, b"")
        body = msgspec.json.encode(session)
        return f"{_text(body)}.{_text(self._signature(body, stored))}"

    def owner(self, kept: str, known: AccessList) -> Identity | None:
        """Return who has begun the session; None for one that is forged, over, or worth nothing any more."""
        body_text, _, signature_text = kept.partition(".")
        try:
            body, signature = urlsafe_b64decode(body_text), urlsafe_b64decode(signature_text)
            session = msgspec.json.decode(body, type=Session)
        except (binascii.Error, ValueError):
            return None
        entry = _entry(known, session)
        if entry is None or session.ends_at <= self._clock():
            return None
        identity, stored = entry
        return identity if hmac.compare_digest(signature, self._signature(body, stored)) else None

    def _signature(self, body: bytes, stored: bytes) -> bytes:
        return hmac.digest(self._key, body + b"\0" + stored, "sha256")


def _entry(known: AccessList, session: Session) -> Entry | None:
    if session.kind is IdentityKind.USER and session.name in known.users:
        account = known.users[session.name]
        return account.identity, account.hashed
    if session.kind is IdentityKind.TOKEN:
        owned = ((identity, stored) for stored, identity in known.tokens.items())
        return next((entry for entry in owned if entry[0].name == session.name), None)
    return None


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()
