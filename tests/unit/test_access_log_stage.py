"""The access log stage: lines with what their user agents and addresses tell, as JSON."""

import gzip
import json
from pathlib import Path

import pytest

from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.access_log import access_log_stage, line_stage
from dataflow.stages.geoip import GeoIP
from dataflow.stages.user_agent import user_agent_of
from models.access_log_entry import AccessLogEntry

DATA = Path(__file__).parents[1] / "data"
CITY, ASN = DATA / "geoip/GeoLite2-City-Test.mmdb", DATA / "geoip/GeoLite2-ASN-Test.mmdb"
SAMPLE = gzip.decompress((DATA / "access_logs/apache_combined_10k.log.gz").read_bytes()).splitlines()
LINE = (
    b'89.160.20.112 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 '
    b'"http://a.example/" "curl/8.5.0"'
)


def test_the_output_has_exactly_the_fields_of_the_record_in_their_order():
    """Sinks and users read by these names; order makes files comparable."""
    [line] = line_stage(None, None, None)(SAMPLE[0])
    entry = json.loads(line)
    assert list(entry) == list(AccessLogEntry.__annotations__)
    assert entry["ua_browser"] == "Chrome"
    assert entry["country"] is None


def test_the_stage_adds_user_agent_and_place():
    """What the tables and sinks ask for."""
    assert json.loads(line_stage(None, CITY, ASN)(LINE)[0]) == {
        "ip": "89.160.20.112",
        "ts": "2015-05-17T10:05:03Z",
        "host": None,
        "ident": None,
        "user": None,
        "method": "GET",
        "endpoint": "/a",
        "query": None,
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 12,
        "referer": "http://a.example/",
        "user_agent": "curl/8.5.0",
        "response_time_ms": None,
        "ua_device": "other",
        "ua_os": None,
        "ua_os_version": None,
        "ua_browser": "curl",
        "ua_browser_version": "8.5.0",
        "is_bot": True,
        "country": "SE",
        "country_name": "Sweden",
        "region": "Östergötland County",
        "city": "Linköping",
        "latitude": 58.4167,
        "longitude": 15.6167,
        "asn": 29518,
        "as_org": "Bredband2 AB",
    }


def test_what_is_counted_is_what_is_sent():
    """Tables take the fields, topics the JSON; both are of the same line."""
    stage = access_log_stage(None, GeoIP(CITY, ASN))
    for line in (LINE, *SAMPLE[:500]):
        entry = stage.read(line)
        sent = json.loads(entry.json)
        for part in (entry.request, user_agent_of(entry.request.user_agent), entry.place):
            for name in part.__struct_fields__:
                assert sent[name] == getattr(part, name)


def test_a_line_without_a_user_agent_is_neither_a_bot_nor_a_person():
    """Null, not false: nothing is known."""
    [out] = line_stage(None, None, None)(LINE.partition(b' "http')[0])
    entry = json.loads(out)
    assert [entry[name] for name in entry if name.startswith(("ua_", "is_bot"))] == [None] * 6


def test_a_dead_letter_is_raised_and_the_next_line_goes_on():
    """One broken line costs one dead letter."""
    stage = line_stage(None, None, None)
    with pytest.raises(InvalidEvent):
        stage(b"broken")
    assert len(stage(LINE)) == 1


def test_what_was_configured_wrong_is_refused_before_the_first_line(tmp_path):
    """A format or a database that cannot be used is no line's fault."""
    with pytest.raises(Misconfigured):
        line_stage("%t %y", None, None)
    with pytest.raises(Misconfigured):
        line_stage(None, tmp_path / "none.mmdb", None)
