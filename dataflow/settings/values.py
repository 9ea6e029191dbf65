"""Values of settings: types that several groups share."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, Secret, SecretStr
from pydantic_settings import NoDecode

from dataflow.masking import masked_setting
from dataflow.settings.faults import split_names


class Address(Secret[str]):
    """A URL that may hold a password: what is shown is the rest."""

    def _display(self) -> str:
        return masked_setting(self.get_secret_value())


def _web_address(url: Address) -> Address:
    if not _is_url(url.get_secret_value(), ("http", "https"), needs_host=True):
        raise ValueError("http://host:port or https://host:port")
    return url


def _web_addresses(urls: Address) -> Address:
    for url in urls.get_secret_value().split(","):
        _web_address(Address(url.strip()))
    return urls


def _without_login(url: Address) -> Address:
    if "@" in url.get_secret_value():
        raise ValueError("http://host:port or https://host:port, and the keys in settings of their own")
    return url


def _database(url: SecretStr) -> SecretStr:
    if not _is_url(url.get_secret_value(), ("postgresql", "postgres"), needs_host=False):
        raise ValueError("postgresql://user:password@host:port/database")
    return url


def _is_url(text: str, schemes: Collection[str], *, needs_host: bool) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and parts.port != 0 and bool(parts.hostname or not needs_host)
    except ValueError:  # a port that is no number, or too large
        return False


def _known_streams(names: tuple[str, ...]) -> tuple[str, ...]:
    if names:
        from dataflow.catalogue.declared import streams_named  # late: Faust comes with it

        streams_named(names)
    return names


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # not known, no name, or that of a folder
        raise ValueError("the name of a time zone, as Europe/Berlin or UTC") from error
    return text


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_names)]
StreamNames = Annotated[Names, AfterValidator(_known_streams)]
WebAddress = Annotated[Address, AfterValidator(_web_address)]
WebAddressWithoutLogin = Annotated[WebAddress, AfterValidator(_without_login)]
WebAddresses = Annotated[Address, AfterValidator(_web_addresses)]
"""Several, with commas between them."""
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Database = Annotated[SecretStr, AfterValidator(_database)]


def setting(default: object, description: str, **constraints: Any) -> Any:  # noqa: ANN401  # as `Field`
    """Return a field with this default, as `dataflow settings` describes it."""
    return Field(default=default, description=description, **constraints)
