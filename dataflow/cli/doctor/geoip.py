"""GeoIP: whether the databases can be read, and how old they are."""

import time
from collections.abc import Iterator
from pathlib import Path

import maxminddb

from dataflow.cli.doctor.finding import Finding, error, ok, warning
from dataflow.settings import Settings

CHECK = "geoip"
OLD_DAYS = 45
DAY_SECONDS = 86_400


def geoip(settings: Settings) -> Iterator[Finding]:
    """Look at both databases."""
    databases = {"DATAFLOW_GEOIP_CITY": settings.geoip_city, "DATAFLOW_GEOIP_ASN": settings.geoip_asn}
    for variable, path in databases.items():
        if path is None:
            yield ok(CHECK, f"{variable} is not set: its fields are null")
        else:
            yield _finding(f"{variable} is {path}", path)


def _finding(found: str, path: Path) -> Finding:
    renew = "download a new one (geoipupdate); running workers read it again"
    try:
        with maxminddb.open_database(path) as database:
            metadata = database.metadata()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
        return error(CHECK, f"{found}, which cannot be read: {fault}", "a MaxMind database", renew)
    days = (time.time() - metadata.build_epoch) / DAY_SECONDS
    told = f"{found}, a {metadata.database_type} of {days:,.0f} days ago"
    return ok(CHECK, told) if days <= OLD_DAYS else warning(CHECK, told, f"at most {OLD_DAYS} days", renew)
