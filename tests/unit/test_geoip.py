"""GeoIP: places of addresses, and databases that are replaced while they are in use."""

import shutil
from pathlib import Path

import pytest

from dataflow.errors import Misconfigured
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.geoip import GeoIP, Place, Replacement

DATA = Path(__file__).parents[1] / "data/geoip"
CITY, ASN = DATA / "GeoLite2-City-Test.mmdb", DATA / "GeoLite2-ASN-Test.mmdb"
SWEDEN = Place("SE", "Sweden", "Östergötland County", "Linköping", 58.4167, 15.6167, 29518, "Bredband2 AB")

# The same length in bytes, so that the file stays a database.
NEWER = CITY.read_bytes().replace("Linköping".encode(), b"Stockholm.")


@pytest.fixture
def city(tmp_path):
    """Return a city database that a test may replace."""
    return Path(shutil.copy(CITY, tmp_path))


def city_of(geoip: GeoIP) -> str | None:
    """Return the city of an address that the database knows."""
    return geoip.place_of("89.160.20.112").city


def replace(path: Path, content: bytes) -> None:
    """Replace a file as careful people do: the new one takes the name in one step."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)


def test_place_and_network_of_an_address():
    """Both databases together make one place."""
    assert GeoIP(CITY, ASN).place_of("89.160.20.112") == SWEDEN


@pytest.mark.parametrize(
    ("ip", "country", "city"),
    [
        ("67.43.156.1", "BT", None),
        ("2001:218::1", "JP", None),
        ("::ffff:89.160.20.112", "SE", "Linköping"),
        ("127.0.0.1", None, None),
        ("client.example.net", None, None),
        ("fe80::1%eth0", None, None),
        ("unknown", None, None),
        (None, None, None),
    ],
)
def test_what_is_not_known_is_null(ip, country, city):
    """An address without a city, one that is nowhere, and what is no address at all."""
    place = GeoIP(CITY, ASN).place_of(ip)
    assert (place.country, place.city) == (country, city)


def test_without_databases_every_field_is_null():
    """GeoIP is optional."""
    assert GeoIP().place_of("89.160.20.112") == Place()


def test_one_database_gives_its_own_fields():
    """Each can be had without the other."""
    assert GeoIP(CITY).place_of("89.160.20.112").asn is None
    assert GeoIP(None, ASN).place_of("89.160.20.112") == Place(asn=29518, as_org="Bredband2 AB")


@pytest.mark.parametrize(
    "content", [b"", b"no database", CITY.read_bytes()[:10_000], CITY.read_bytes()[:-500]]
)
def test_a_broken_database_is_refused_at_start(tmp_path, content):
    """The one who set the path is there to read it."""
    path = tmp_path / "city.mmdb"
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match="expected a GeoIP database"):
        GeoIP(path)


def test_a_missing_database_is_refused_at_start(tmp_path):
    """A path that was set is a promise."""
    with pytest.raises(Misconfigured, match=r"none\.mmdb is not readable"):
        GeoIP(tmp_path / "none.mmdb")


def test_databases_that_were_mixed_up_are_refused():
    """All fields would be null, and no one would know why."""
    with pytest.raises(
        Misconfigured, match="is of type 'GeoLite2-ASN'; expected a City or Country or Enterprise"
    ):
        GeoIP(ASN)
    with pytest.raises(
        Misconfigured, match="is of type 'GeoLite2-City'; expected a ASN or ISP or Enterprise"
    ):
        GeoIP(None, CITY)


def test_a_database_that_did_not_change_is_left_alone(city):
    """It is looked at every few seconds."""
    assert GeoIP(city).refresh() == []


def test_a_replaced_database_is_taken_over(city):
    """Its update must not need a restart."""
    geoip = GeoIP(city, ASN)
    replace(city, NEWER)
    assert city_of(geoip) == "Linköping"
    assert geoip.refresh() == [Replacement(city, None)]
    assert city_of(geoip) == "Stockholm."
    assert geoip.refresh() == []


def test_what_was_remembered_of_the_old_database_is_forgotten(city):
    """The cache must not outlive what it was filled from."""
    stage = access_log_stage(None, GeoIP(city))
    line = b'89.160.20.112 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12'
    assert stage.read(line).place.city == "Linköping"
    replace(city, NEWER)
    assert stage.read(line).place.city == "Linköping"
    assert stage.refresh() == [Replacement(city, None)]
    assert stage.read(line).place.city == "Stockholm."


def test_a_broken_replacement_is_refused_once_and_the_old_one_kept(city):
    """A bad download at night loses nothing, and the log is not flooded."""
    geoip = GeoIP(city)
    replace(city, b"half a download")
    [told] = geoip.refresh()
    assert told.path == city
    assert "expected a GeoIP database" in str(told.problem)
    assert geoip.refresh() == []
    assert city_of(geoip) == "Linköping"
    replace(city, NEWER)
    assert geoip.refresh() == [Replacement(city, None)]
    assert city_of(geoip) == "Stockholm."


@pytest.mark.parametrize("content", [b"", b"short", b"x" * len(NEWER), ASN.read_bytes()])
def test_a_database_overwritten_in_place_harms_no_lookup(city, content):
    """The file that is mapped is a copy: a mapped file that shrinks kills the process."""
    geoip = GeoIP(city)
    city.write_bytes(content)
    assert city_of(geoip) == "Linköping"
    [told] = geoip.refresh()
    assert told.problem is not None
    assert city_of(geoip) == "Linköping"


def test_a_removed_database_stays_in_use(city):
    """Between its removal and the new one there may be minutes."""
    geoip = GeoIP(city)
    city.unlink()
    [told] = geoip.refresh()
    assert told.problem is not None
    assert geoip.refresh() == []
    assert city_of(geoip) == "Linköping"


def test_a_database_with_damaged_records_is_refused(city):
    """It opens; only a look at its records tells."""
    content = CITY.read_bytes()
    records = len(content) // 3
    city.write_bytes(content[:records] + b"\xff" * records + content[2 * records :])
    with pytest.raises(Misconfigured, match="expected a GeoIP database"):
        GeoIP(city)
