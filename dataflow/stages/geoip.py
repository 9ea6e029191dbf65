"""GeoIP: the address of a client in, its place and its network out."""

import shutil
import tempfile
from collections import deque
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import maxminddb
import msgspec

from dataflow.errors import Misconfigured
from dataflow.watched_files import WatchedFiles

V = TypeVar("V")

_LOOKUP_ERRORS = (ValueError, maxminddb.InvalidDatabaseError)  # a host name; a damaged record
_PROBED_NETWORKS = 1_000


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a client is; null where the databases do not say."""

    country: str | None = None
    """ISO 3166 alpha-2."""
    country_name: str | None = None
    region: str | None = None
    """First level below the country."""
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    asn: int | None = None
    """Number of the autonomous system."""
    as_org: str | None = None
    """Who runs the autonomous system."""


class Replacement(NamedTuple):
    """What became of a database that changed on disk."""

    path: Path
    problem: str | None
    """Why the old one is kept; null: the new one is in use."""


class Database:
    """One MaxMind database on disk, of which a copy is in use; raises `Misconfigured` for any other file."""

    def __init__(self, path: Path, kinds: tuple[str, ...]) -> None:
        self.path = path
        self._kinds = kinds
        self._file = WatchedFiles([path], self._open)

    def record(self, ip: str) -> object:
        """Return what the database holds of an address; null if nothing, or if it is no address."""
        try:
            return self._file.content.get(ip)
        except _LOOKUP_ERRORS:
            return None

    def refresh(self) -> Replacement | None:
        """Use the file as it is now, if it has changed; null if it has not."""
        try:
            return Replacement(self.path, None) if self._file.refresh() else None
        except Misconfigured as error:
            return Replacement(self.path, str(error))

    def _open(self) -> maxminddb.Reader:
        try:
            reader = _open_copy(self.path)
            kind = reader.metadata().database_type
            # A file with damaged records may open without an error; this raises it.
            deque(islice(reader, _PROBED_NETWORKS), maxlen=0)
        except (OSError, *_LOOKUP_ERRORS) as error:
            why = getattr(error, "strerror", None) or error
            raise Misconfigured(f"{self.path} is not readable; expected a GeoIP database: {why}") from error
        if not any(expected in kind for expected in self._kinds):
            expected = " or ".join(self._kinds)
            raise Misconfigured(f"{self.path} is of type {kind!r}; expected a {expected} database")
        return reader


class GeoIP:
    """Looks up places in a city and a network database, either of which may be absent.

    Without a city database, country to longitude are null, without a network database asn and as_org.
    """

    def __init__(self, city: Path | None = None, asn: Path | None = None) -> None:
        self._city = Database(city, ("City", "Country", "Enterprise")) if city else None
        self._asn = Database(asn, ("ASN", "ISP", "Enterprise")) if asn else None

    def place_of(self, ip: str | None) -> Place:
        """Return the place of an address; all null for null, a host name or an unknown address."""
        if ip is None:
            return Place()
        city = self._city.record(ip) if self._city else None
        network = self._asn.record(ip) if self._asn else None
        return Place(
            _value(str, city, "country", "iso_code"),
            _value(str, city, "country", "names", "en"),
            _value(str, city, "subdivisions", 0, "names", "en"),
            _value(str, city, "city", "names", "en"),
            _value(float, city, "location", "latitude"),
            _value(float, city, "location", "longitude"),
            _value(int, network, "autonomous_system_number"),
            _value(str, network, "autonomous_system_organization"),
        )

    def refresh(self) -> list[Replacement]:
        """Use databases that have changed on disk; return what became of each.

        To be called every few seconds; it costs one `stat` a file. A broken database is
        reported once, and the old one stays in use.
        """
        databases = [database for database in (self._city, self._asn) if database]
        return [replacement for database in databases if (replacement := database.refresh())]


def _open_copy(path: Path) -> maxminddb.Reader:
    # The C reader maps the file into memory: if the original were overwritten in place, the process
    # would die (SIGBUS). The copy is ours, and is deleted once it is mapped.
    with path.open("rb") as source, tempfile.NamedTemporaryFile(suffix=".mmdb") as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        try:
            return maxminddb.open_database(copy.name, maxminddb.MODE_MMAP_EXT)
        except maxminddb.InvalidDatabaseError as error:  # name the original, not the copy
            raise maxminddb.InvalidDatabaseError(str(error).replace(copy.name, path.name)) from error


def _at(record: object, *keys: str | int) -> object:
    for key in keys:
        if isinstance(key, str):
            record = record.get(key) if isinstance(record, dict) else None
        else:
            record = record[key] if isinstance(record, list) and len(record) > key else None
    return record


def _value(kind: type[V], record: object, *keys: str | int) -> V | None:
    value = _at(record, *keys)
    return value if isinstance(value, kind) else None
