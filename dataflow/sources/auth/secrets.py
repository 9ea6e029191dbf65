"""Secrets of senders: reads password and token files; no secret is ever shown."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import bcrypt

from dataflow.errors import Misconfigured

BCRYPT = re.compile(rb"\$2[aby]\$(0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}")
BCRYPT_BYTES = 72  # bcrypt looks no further; htpasswd cuts a longer password there, too

# Of a password that nobody knows: checking it takes an unknown user as long as a known one.
_NOBODY = b"$2b$10$90XyxWb5wW4Dgn2je3OLDuzBduw1FGgG8YWbmU5E.GOIWJtCfE/ei"

SHORTEST_TOKEN = 16


def read_htpasswd(path: Path) -> Mapping[str, bytes]:
    """Return the bcrypt hash of each user; `Misconfigured` names a line and never what stands in it."""
    users: dict[str, bytes] = {}
    for number, line in _lines(path):
        user, colon, hashed = line.partition(":")
        if not user or not colon or not BCRYPT.fullmatch(hashed.encode()):
            raise Misconfigured(
                f"line {number} of {path} is not user:bcrypt; expected what `htpasswd -B` writes"
            )
        users[user] = hashed.encode()
    if not users:
        raise Misconfigured(f"file {path} names no user; expected lines as `htpasswd -B` writes them")
    return users


def is_password(users: Mapping[str, bytes], user: str, password: bytes) -> bool:
    """Check a password; takes a tenth of a second, so call it in a thread."""
    known = users.get(user)
    matches = bcrypt.checkpw(password[:BCRYPT_BYTES], known or _NOBODY)
    return known is not None and matches


def read_tokens(path: Path) -> frozenset[bytes]:
    """Return the fingerprint of each token; `Misconfigured` names a line and never what stands in it."""
    tokens = set()
    for number, line in _lines(path):
        if len(line) < SHORTEST_TOKEN:
            raise Misconfigured(
                f"token in line {number} of {path} is {len(line)} characters long; "
                f"expected at least {SHORTEST_TOKEN}"
            )
        tokens.add(fingerprint(line))
    if not tokens:
        raise Misconfigured(f"file {path} names no token; expected one a line")
    return frozenset(tokens)


def fingerprint(token: str) -> bytes:
    """Return what is kept of a token: looking it up tells an eavesdropper on time nothing."""
    return sha256(token.encode(errors="surrogateescape")).digest()


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"file {path} cannot be read: {error}; expected text in UTF-8") from error
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]
