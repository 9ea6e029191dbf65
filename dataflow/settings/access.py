"""Settings of access: who may do what, and what workers and commands show of themselves."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, FilePath, SecretStr
from pydantic_settings import NoDecode

from dataflow.settings.faults import split_names
from dataflow.settings.values import setting


def _names_if_given(given: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if given is None else split_names(given)


_TOKEN: Final = re.compile(r"\s*[!-~]+\s*", re.ASCII)


def _as_a_header_has_it(token: SecretStr | None) -> SecretStr | None:
    if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("one token, in one line, of ASCII characters and no blanks")
    return token


class AccessSettings(BaseModel):
    """Access to workers."""

    access_file: FilePath | None = setting(
        None, "file (TOML) of users, tokens and certificate names with their roles; changes are read at once"
    )
    open_roles: Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_names_if_given)] = setting(
        None,
        "roles of clients without credentials, separated by commas; unset: read on a loopback address "
        "without an access file, otherwise none",
    )
    worker_secret: SecretStr | None = setting(
        None,
        "secret that all workers share; unset: one of this user on this machine, which works on a loopback "
        "address only",
    )
    access_token: Annotated[SecretStr | None, AfterValidator(_as_a_header_has_it)] = setting(
        None,
        "token that commands send to workers; unset: they sign requests with the secret of the workers",
    )
