"""Access entries: the first admin and the first tokens, as the access file has them."""

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import bcrypt

from dataflow.access.passwords import BCRYPT_BYTES
from dataflow.errors import Misconfigured
from dataflow.provisioning.secret_folder import FileState, SecretFolder

NAME: Final = "access.toml"
HASH_COST: Final = 10


def make_access_file(folder: SecretFolder, password: str, roles: Mapping[str, str]) -> None:
    """Have an access file with the admin, and tokens by their roles; more may be written into it.

    Raises `Misconfigured` for a password that is too long to be hashed.
    """
    if len(password) > BCRYPT_BYTES:
        raise Misconfigured(f"admin-password has {len(password)} characters; expected {BCRYPT_BYTES} at most")
    content = folder.keep(NAME, lambda: _content(password, roles))
    if not _lets_in(content, password, roles):
        folder.states[NAME] = FileState.DIFFERS


def _content(password: str, roles: Mapping[str, str]) -> bytes:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(HASH_COST)).decode()
    lines = ["[users.admin]", f'password = "{hashed}"', 'roles = ["admin"]']
    for token, role in roles.items():
        lines += ["", f"[tokens.{role}]", f'sha256 = "{_sha256(token)}"', f'roles = ["{role}"]']
    return ("\n".join(lines) + "\n").encode()


def _lets_in(content: bytes, password: str, roles: Mapping[str, str]) -> bool:
    """Tell whether those of the folder are known."""
    try:
        document = tomllib.loads(content.decode())
        hashed = document["users"]["admin"]["password"]
        tokens = {entry["sha256"] for entry in document["tokens"].values()}
        return bcrypt.checkpw(password.encode(), hashed.encode()) and tokens >= set(map(_sha256, roles))
    except (ValueError, LookupError, TypeError, AttributeError):  # somebody has written another one
        return False


def _sha256(token: str) -> str:
    return sha256(token.encode()).hexdigest()
