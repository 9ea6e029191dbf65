"""`dataflow apply` over logs: real lines from a file, packed or not, or from stdin, as people would."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.demo.samples import sample_events, sample_filter_rules
from models.access_log_entry import AccessLogEntry

DATA = Path(__file__).parents[1] / "data"
PACKED = DATA / "access_logs/apache_combined_10k.log.gz"
CITY, ASN = DATA / "geoip/GeoLite2-City-Test.mmdb", DATA / "geoip/GeoLite2-ASN-Test.mmdb"
PLAIN = gzip.decompress(PACKED.read_bytes())
COMBINED = r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined'
OF_10000 = {"received": 10_000, "sent": 9_999, "dropped": 0, "dead_lettered": 1}


def apply(*arguments: str, stdin: bytes = b"") -> tuple[list[bytes], str]:
    """Run the command; return the lines that it printed, and what it said."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "dataflow", "apply", *arguments],
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
        timeout=60,
    )
    return done.stdout.splitlines(), done.stderr.decode()


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    """Return what the command makes of the packed file."""
    return apply("access-log", str(PACKED))[0]


def test_of_10000_real_lines_one_is_a_dead_letter(entries, tmp_path):
    """The one whose user agent was cut off; all others have exactly the fields of the model, in order."""
    letters = tmp_path / "letters"
    found, said = apply("access-log", "-", "--dead-letters", str(letters), stdin=PLAIN)
    assert found == entries
    assert json.loads(said) == OF_10000
    assert json.loads(letters.read_bytes())["line"] == 8_899
    read = [json.loads(entry) for entry in entries]
    assert {tuple(entry) for entry in read} == {tuple(AccessLogEntry.__annotations__)}
    came = [line.split(b" ", 1)[0].decode() for line in PLAIN.splitlines()]
    assert [entry["ip"] for entry in read] == came[:8_898] + came[8_899:]


@pytest.mark.parametrize("form", ["plain file", "packed stdin", "format of the server"])
def test_whichever_way_the_lines_come_the_entries_are_the_same(entries, tmp_path, form):
    """As gzip shows by its first bytes, and the usual format by itself."""
    plain = tmp_path / "access.log"
    plain.write_bytes(PLAIN)
    arguments, stdin = {
        "plain file": ([str(plain)], b""),
        "packed stdin": ([], PACKED.read_bytes()),
        "format of the server": ([str(plain), "--format", COMBINED], b""),
    }[form]
    found, said = apply("access-log", *arguments, stdin=stdin)
    assert found == entries
    assert json.loads(said) == OF_10000


def test_databases_tell_place_and_network():
    """Without them the same fields are null."""
    line = b'89.160.20.112 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    fields = ("country", "country_name", "city", "asn", "as_org")
    databases = ("--geoip-city", str(CITY), "--geoip-asn", str(ASN))
    (with_them,), (without,) = (apply("access-log", *more, stdin=line)[0] for more in (databases, ()))
    told = [json.loads(with_them)[name] for name in fields]
    assert told == ["SE", "Sweden", "Linköping", 29518, "Bredband2 AB"]
    assert [json.loads(without)[name] for name in fields] == [None] * 5


def test_every_line_of_datastream_has_a_typed_form(tmp_path):
    """One line an event, in order."""
    sample = sample_events("cdn-logs")
    found, said = apply("datastream2", stdin=gzip.compress(b"\n".join(sample), 1))
    assert json.loads(said)["sent"] == len(found) == len(sample) == 9_999
    assert [json.loads(line)["bytes"] for line in found] == [
        int(json.loads(line)["bytes"]) for line in sample
    ]


def test_the_filter_prints_the_lines_that_pass_byte_for_byte():
    """By the rules of the system that it replaces, worked out here by hand."""
    rules = json.loads(sample_filter_rules().read_bytes())
    sample = sample_events("cdn-logs")

    def passes(line: bytes) -> bool:
        values = [json.loads(line).get(rule["fieldName"]) for rule in rules]
        return all(
            rule.get("include", False) is (value is not None and bool(re.fullmatch(rule["regex"], value)))
            for rule, value in zip(rules, values, strict=True)
        )

    found, said = apply("filter", "--rules", str(sample_filter_rules()), stdin=b"\n".join(sample))
    assert found == [line for line in sample if passes(line)]
    assert json.loads(said)["dropped"] == 9_999 - len(found) == 2_205


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["access-log", "--format", "%h %Q"],
            "log format has '%Q' at column 4; expected a directive of Apache",
        ),
        (["access-log", "--geoip-city", str(ASN)], "is of type 'GeoLite2-ASN'; expected a City or Country"),
        (["access-log", "--geoip-asn", str(PACKED)], "is not readable; expected a GeoIP database"),
        (
            ["stay-category", "--format", "%h"],
            "--format is '%h'; expected no such option for stay-category: it belongs",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, told):
    """It names what is at fault, and nothing is printed."""
    found, said = apply(*arguments)
    assert (found, len(said.splitlines())) == ([], 1)
    assert told in said


def test_a_line_is_explained_column_by_column_and_a_dead_one_up_to_where_it_breaks_off():
    """Who has a log that nobody can read sees why."""
    alive = b'192.0.2.1 - bob [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "UA"'
    dead = b'192.0.2.1 - bob [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" OK'
    squid = b"1286536308.779  18 192.0.2.224 TCP_MISS/200 411 GET http://a.example/b - DIRECT/a text/html"
    shown, said = apply("access-log", "--explain", stdin=b"\n".join((alive, dead, squid)))
    lines = [b" ".join(line.split()).decode() for line in shown]
    assert (lines[0], said) == ("line 1: combined", "")
    assert 'request "GET /a HTTP/1.1"' in lines
    assert "-> dead letter: status is 'OK' at column 64; expected three digits" in lines
    assert "line 3: squid" in lines
    assert "client 192.0.2.224" in lines
    assert "endpoint='/b'" in lines[-1]


def test_an_own_format_is_explained_by_its_directives():
    """With the words of the configuration."""
    shown, _ = apply("access-log", "--explain", "--format", "%h %t %>s", stdin=b"192.0.2.1 [x] 200")
    assert [b" ".join(line.split()).decode() for line in shown][:2] == ["line 1: own format", "%h 192.0.2.1"]


def test_what_stands_before_a_line_does_not_hide_its_columns():
    """Windows begins a file with a byte order mark; the line itself is good."""
    shown, _ = apply(
        "access-log", "--explain", "--format", "%h %t %>s", stdin=b"\xef\xbb\xbf192.0.2.1 [x] 200"
    )
    assert [b" ".join(line.split()).decode() for line in shown][1] == "%h 192.0.2.1"


def test_a_named_format_is_stated_by_its_name():
    """As in DATAFLOW_ACCESS_LOG_FORMAT; lines of other formats are dead letters then."""
    found, said = apply("access-log", "--format", "squid", stdin=PLAIN.splitlines()[0])
    assert (found, json.loads(said.splitlines()[0])["dead_lettered"]) == ([], 1)


@pytest.mark.parametrize("is_piped", [True, False])
def test_the_export_of_a_journal_keeps_host_and_time(tmp_path, is_piped):
    """`journalctl -u nginx -o export | dataflow apply access-log -`; each field was a line of its own."""
    entry = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1423944916375353\n_HOSTNAME=web1\nMESSAGE=%s\n\n"
    message = b'192.0.2.9 - - [17/May/2015:10:05:03 +0000] "GET /%d HTTP/1.1" 200 5 "-" "UA"'
    export = b"".join(entry % (message % number) for number in range(3))
    (tmp_path / "export").write_bytes(export)
    lines, said = apply("access-log", "-" if is_piped else str(tmp_path / "export"), stdin=export)
    made = [json.loads(line) for line in lines]
    assert [(one["endpoint"], one["host"], one["log_time"]) for one in made] == [
        (f"/{number}", "web1", "1423944916375353") for number in range(3)
    ]
    assert json.loads(said)["received"] == 3


@pytest.mark.parametrize("is_piped", [True, False])
def test_records_of_azure_are_taken_apart(tmp_path, is_piped):
    """As people download them."""
    entry = {"time": "2023-05-17T10:05:03Z", "properties": {"clientIp": "192.0.2.1", "httpStatusCode": 200}}
    file = tmp_path / "PT1H.json"
    file.write_text(json.dumps({"records": [entry, entry]}, indent=1))
    path, stdin = ("-", file.read_bytes()) if is_piped else (str(file), b"")
    assert [json.loads(line)["status"] for line in apply("access-log", path, stdin=stdin)[0]] == [200, 200]
