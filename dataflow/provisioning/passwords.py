"""Passwords: random ones that every server of a deployment takes."""

import secrets
import string
from typing import Final

GROUPS, GROUP_CHARACTERS = 4, 6  # 142 bits
_LETTERS_AND_DIGITS: Final = string.ascii_letters + string.digits
_DEMANDED: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits)  # by OpenSearch, say


def make_password() -> str:
    """Return a new password: groups of letters and digits, which need no quotes in a URL or a file."""
    while True:
        password = "-".join(
            "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(GROUP_CHARACTERS))
            for _ in range(GROUPS)
        )
        if all(set(kind) & set(password) for kind in _DEMANDED):
            return password
