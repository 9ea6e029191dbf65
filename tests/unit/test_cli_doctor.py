"""`dataflow doctor`: what each check makes of what it finds; its questions to servers are in tests/web."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from dataflow.cli.doctor import retention as retention_check
from dataflow.cli.doctor import workers as workers_check
from dataflow.cli.doctor.broker import bootstrap_faults
from dataflow.cli.doctor.certificates import own_certificates
from dataflow.cli.doctor.disk import disk
from dataflow.cli.doctor.examination import examine
from dataflow.cli.doctor.finding import Finding, Level
from dataflow.cli.doctor.formats import judge
from dataflow.cli.doctor.geoip import geoip
from dataflow.cli.doctor.topics import retention_ms
from dataflow.provisioning.certificate_authority import make_authority, make_key, sign_server
from dataflow.provisioning.deployment_secrets import SecretOptions, make_secrets
from dataflow.provisioning.secret_folder import SecretFolder
from dataflow.settings import Settings
from dataflow.sinks.status import Buffered, SinkLag, SinkState

GEOIP = Path(__file__).parents[1] / "data" / "geoip"
LINE = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "UA"'
DAY = 86_400


def levels(findings: list[Finding]) -> list[Level]:
    """Return how bad each is."""
    return [finding.level for finding in findings]


def doctor(**environment: str) -> tuple[int, dict, str]:
    """Run the command; return its exit code, its report and what it said beside it."""
    settings = {f"DATAFLOW_{name.upper()}": text for name, text in environment.items()}
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DATAFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "dataflow", "doctor"],
        env=inherited | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_a_broker_that_is_away_is_one_clear_line_and_the_other_checks_go_on(tmp_path: Path):
    """Nobody reads ten errors with one cause."""
    code, report, said = doctor(broker="127.0.0.1:1", data_dir=str(tmp_path))
    errors = [one for one in report["findings"] if one["level"] == "error"]
    assert (code, len(errors), said) == (1, 1, "")
    assert errors[0]["found"] == "no broker can be reached: 127.0.0.1:1: Connection refused"
    assert {"settings", "disk", "geoip"} <= {one["check"] for one in report["findings"]}
    assert report["counts"]["error"] == 1


def test_settings_that_are_wrong_are_all_told_at_once():
    """Each with what was expected; nothing else can be looked at."""
    code, report, _ = doctor(brokre="a:1", partitions="many")
    assert (code, levels_of(report)) == (1, ["error", "error"])
    assert [one["found"] for one in report["findings"]] == [
        "DATAFLOW_BROKRE is not a setting",
        "DATAFLOW_PARTITIONS is 'many'",
    ]


def levels_of(report: dict) -> list[str]:
    """Return how bad each line of a report is."""
    return [one["level"] for one in report["findings"]]


async def test_what_a_worker_that_others_reach_lacks_is_told(monkeypatch: pytest.MonkeyPatch):
    """It would refuse to start."""
    monkeypatch.setenv("DATAFLOW_WEB_HOST", "0.0.0.0")
    monkeypatch.setenv("DATAFLOW_BROKER", "127.0.0.1:1")
    findings = [one async for one in examine(None) if one.check == "settings" and one.level is Level.ERROR]
    assert [one.found.partition(" is ")[0] for one in findings] == [
        "DATAFLOW_WEB_HOST",
        "DATAFLOW_WORKER_SECRET",
    ]


def test_one_broker_that_listens_is_enough():
    """The others may be restarting; an address that is none is told by its own reason."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        assert levels(asyncio.run(bootstrap_faults(["127.0.0.1:1", address]))) == [Level.OK]
    [finding] = asyncio.run(bootstrap_faults(["127.0.0.1:1", "no-host.invalid:9092"]))
    assert finding.level is Level.ERROR
    assert "127.0.0.1:1: Connection refused; no-host.invalid:9092: " in finding.found


@pytest.mark.parametrize(
    ("days", "level"), [(90, Level.OK), (29, Level.WARNING), (6, Level.ERROR), (0, Level.ERROR)]
)
def test_certificates_are_told_before_they_expire(tmp_path: Path, days: int, level: Level):
    """Weeks before, as people have to be asked for new ones."""
    authority_key, key = make_key(), make_key()
    authority = make_authority(authority_key, "ca")
    (tmp_path / "web.crt").write_bytes(sign_server(authority, authority_key, key, ["web"], days))
    settings = Settings(web_tls_cert_file=tmp_path / "web.crt")
    [finding] = own_certificates(settings)
    assert finding.level is level
    assert finding.found.startswith(f"DATAFLOW_WEB_TLS_CERT_FILE ({tmp_path / 'web.crt'}) expires on ")


def test_a_file_that_holds_no_certificate_is_an_error(tmp_path: Path):
    """As is one that is gone; the check of the other files goes on."""
    make_secrets(SecretFolder(tmp_path, for_containers=False), SecretOptions({}, 90, PurePosixPath("/run")))
    (tmp_path / "broken.crt").write_text("no certificate")
    settings = Settings(broker_ca_file=tmp_path / "broken.crt", web_tls_ca_file=tmp_path / "ca.crt")
    assert sorted(levels(list(own_certificates(settings)))) == [Level.ERROR, Level.OK]


def test_the_age_of_a_geoip_database_is_told(tmp_path: Path):
    """Places of years ago are wrong, and nothing else says so."""
    [database, *_] = sorted(GEOIP.glob("*City*.mmdb"))
    (tmp_path / "broken.mmdb").write_bytes(b"no database")
    found = list(geoip(Settings(geoip_city=database, geoip_asn=tmp_path / "broken.mmdb")))
    assert levels(found) == [Level.WARNING, Level.ERROR]
    assert "days ago" in found[0].found
    assert levels(list(geoip(Settings()))) == [Level.OK, Level.OK]


def test_a_folder_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk ends what a worker keeps; one that is not made yet is judged by where it will be."""
    settings = Settings(data_dir=tmp_path / "not" / "yet")
    monkeypatch.setattr("dataflow.cli.doctor.disk.LITTLE_BYTES", 0)
    monkeypatch.setattr("dataflow.cli.doctor.disk.LITTLE_RATIO", 0.0)
    assert levels(list(disk(settings))) == [Level.OK]
    monkeypatch.setattr("dataflow.cli.doctor.disk.LITTLE_BYTES", 1 << 60)
    assert levels(list(disk(settings))) == [Level.WARNING]


@pytest.mark.parametrize(
    ("folder", "told"), [("/proc/nope", "cannot be written"), ("file/data", "is no folder")]
)
def test_a_place_that_keeps_no_files_is_no_little_disk(tmp_path, folder, told):
    """`0.0 GiB free of 0.0` was a warning, and an executable file a folder; no worker starts there."""
    (tmp_path / "file").touch(0o755)
    [finding] = disk(Settings(data_dir=tmp_path / folder))
    assert finding.level is Level.ERROR
    assert told in finding.found


def test_a_folder_that_the_system_refuses_is_one_finding_and_the_other_checks_go_on():
    """As one in the home of somebody else: it ended the doctor, and told nothing of the rest."""
    code, report, said = doctor(broker="127.0.0.1:1", data_dir="/" + "long" * 200)
    errors = [one["found"] for one in report["findings"] if one["level"] == "error"]
    assert (code, said) == (1, "")
    assert [found.partition(" is ")[0] for found in errors[:1]] == ["DATAFLOW_DATA_DIR"]
    assert errors[0].endswith(", which cannot be looked at: File name too long")
    assert errors[1].startswith("no broker can be reached")


def test_an_address_at_which_another_worker_answers_is_told():
    """Two machines that advertise `localhost`: the doctor ended with a traceback, where it was needed."""
    another = {"url": "http://b:6066", "not_ready": None, "role": "enrich"}
    [finding] = workers_check._findings("http://localhost:6066", {"workers": [another], "silent": []})
    assert finding.level is Level.ERROR
    assert finding.found == "at http://localhost:6066, which a worker advertises, another worker answers"
    [ready] = workers_check._findings("http://b:6066", {"workers": [another], "silent": []})
    assert ready.level is Level.OK


@pytest.mark.parametrize(
    ("seconds", "kept_ms", "level"),
    [
        (3 * DAY, 7 * DAY * 1000, Level.OK),
        (4 * DAY, 7 * DAY * 1000, Level.WARNING),
        (6.5 * DAY, 7 * DAY * 1000, Level.ERROR),
        (99 * DAY, None, Level.OK),
        (None, 7 * DAY * 1000, Level.OK),
    ],
)
def test_a_sink_is_told_before_its_topics_delete_what_it_has_not_stored(
    seconds: float | None, kept_ms: int | None, level: Level
):
    """Then it is too late."""
    sink = SinkState("csv", ["a"], 1, SinkLag(5, seconds), Buffered(0), 0.0, None, None, None, 0)
    assert retention_check._finding(sink, kept_ms).level is level


@pytest.mark.parametrize(
    ("configs", "kept"),
    [
        ({"retention.ms": "1000", "cleanup.policy": "delete"}, 1000),
        ({"retention.ms": "1000", "cleanup.policy": "compact"}, None),
        ({"retention.ms": "-1", "cleanup.policy": "delete"}, None),
        ({}, None),
    ],
)
def test_how_long_a_topic_keeps_records(configs: dict[str, str], kept: int | None):
    """Compaction keeps the last of each key for ever, whatever retention.ms says."""
    assert retention_ms(configs) == kept


def test_lines_of_the_format_that_is_set_are_well():
    """Lines that are no events are none that cannot be read."""
    assert levels(judge([LINE] * 200, None, None)) == [Level.OK]
    assert levels(judge([], None, None)) == [Level.OK]


def test_lines_of_another_format_are_told_with_where_one_broke_off():
    """They become dead letters until their stream stops."""
    [finding] = judge([LINE] * 50 + [b"something else"] * 50, None, None)
    assert finding.level is Level.WARNING
    assert finding.found.startswith("50 of the newest 100 lines of access logs cannot be read, as: ")


def test_times_that_cannot_be_milliseconds_are_told():
    """%D is microseconds: every latency would be a thousand times too long."""
    findings = judge([LINE + b" 2000000"] * 200, None, None)
    assert levels(findings) == [Level.OK, Level.WARNING]
    assert "200 of 200 whole numbers behind the lines would be more than a minute" in findings[1].found
    assert "DATAFLOW_ACCESS_LOG_FORMAT" in (findings[1].expected or "")
