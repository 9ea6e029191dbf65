"""Passwords: a check that costs the same for every user that it refuses, known or not."""

import bcrypt

from dataflow.access.access_file import AccessList
from dataflow.access.identity import Identity

BCRYPT_BYTES = 72  # bcrypt looks no further; htpasswd cuts a longer password there, too
_SALT = b"." * 22


def check_password(known: AccessList, user: str, password: bytes) -> Identity | None:
    """Return the user whose password this is; takes a tenth of a second, so call it in a thread.

    A wrong one costs as much as the slowest hash of all users, so that its time tells nothing of a user.
    """
    account, shown = known.users.get(user), password[:BCRYPT_BYTES]
    if account is None:
        _spend(shown, known.cost)
        return None
    if bcrypt.checkpw(shown, account.hashed):
        return account.identity
    for cost in range(account.cost, known.cost):  # 2^c + 2^c + … + 2^(most - 1) = 2^most
        _spend(shown, cost)
    return None


def _spend(password: bytes, cost: int) -> None:
    if cost:
        bcrypt.hashpw(password, b"$2b$%02d$" % cost + _SALT)
