"""Settings: what the environment says, and how its faults are told."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from dataflow import assembly
from dataflow.engine.options import EngineOptions
from dataflow.settings import Settings, read_settings, variable_of

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.mark.parametrize(
    ("given", "advertised"),
    [
        ({"WEB_HOST": "::1"}, "[::1]"),
        ({"WEB_HOST": "::"}, socket.gethostname()),
        ({"ADVERTISED_HOST": "2001:db8::1"}, "[2001:db8::1]"),
        ({"ADVERTISED_HOST": "[2001:db8::1]"}, "[2001:db8::1]"),
        ({"ADVERTISED_HOST": "worker-1.example"}, "worker-1.example"),
    ],
)
def test_an_advertised_ipv6_address_stands_in_brackets(
    given: dict[str, str], advertised: str, monkeypatch: pytest.MonkeyPatch
):
    """It becomes a part of URLs: of this worker, for others, and of `dataflow tables`."""
    for name, text in given.items():
        monkeypatch.setenv(f"DATAFLOW_{name}", text)
    assert read_settings().advertised_host == advertised


def test_a_stream_that_nobody_has_is_told_with_all_other_faults(faults_of):
    """It was found after the others were mended, one start later."""
    port, streams = sorted(faults_of(DATAFLOW_WEB_PORT="0", DATAFLOW_STREAMS="bookings,cdn"))[::-1]
    assert streams.startswith("DATAFLOW_STREAMS is 'bookings,cdn'; expected some of access-logs, bookings,")
    assert port.startswith("DATAFLOW_WEB_PORT is '0'; expected")


def test_an_engine_without_settings_has_their_defaults():
    """Apps of others are made with `EngineOptions` alone, and the docs tell of one default."""
    options = assembly._engine_options(Settings(), {})
    assert replace(options, instance_id=None, app_id=None) == EngineOptions({})


def test_an_empty_environment_is_enough():
    """The first command anybody tries has nothing set."""
    settings = read_settings()
    assert settings.broker is None
    assert settings.web_port == 6066


def test_every_setting_says_what_it_means():
    """`dataflow settings` shows the description; one without is a riddle."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_all_faults_are_told_together(faults_of):
    """Who mends one fault at a time restarts five times."""
    assert faults_of(
        DATAFLOW_WEB_PORT="x",
        DATAFLOW_CHECKPOINT_MS="9",
        DATAFLOW_ROLE="boss",
        DATAFLOW_FILTER_RULES="/nowhere.json",
        DATAFLOW_BROKER="kafka",
        DATAFLOW_CHEKPOINT_MS="50",
        DATAFLOW_DEAD_LETTER_MAX_RATIO="1.5",
    ) == [
        "DATAFLOW_BROKER is 'kafka'; expected host:port, or several with commas between them",
        "DATAFLOW_CHECKPOINT_MS is '9'; expected a whole number of at least 10 and at most 60000",
        "DATAFLOW_CHEKPOINT_MS is not a setting; expected DATAFLOW_CHECKPOINT_MS",
        "DATAFLOW_DEAD_LETTER_MAX_RATIO is '1.5'; expected a number above 0 and at most 1",
        "DATAFLOW_FILTER_RULES is '/nowhere.json'; expected a file that exists",
        (
            "DATAFLOW_ROLE is 'boss'; expected all, enrich, ingest, sink-postgres, sink-csv, sink-s3 "
            "or sink-opensearch"
        ),
        "DATAFLOW_WEB_PORT is 'x'; expected a whole number of at least 1 and at most 65535",
    ]


def test_a_setting_whose_bytes_are_no_text_is_told(faults_of):
    """A folder of such a name, and a secret, ended `dataflow settings` and the worker with a traceback."""
    broken = {"DATAFLOW_WORKER_SECRET": "0123456789abcdef\udcff", "DATAFLOW_CSV_DIR": "/\udce9"}
    assert faults_of(**broken, DATAFLOW_WEB_PORT="x") == [
        "DATAFLOW_CSV_DIR has a byte that is not UTF-8, at 1; expected text",
        "DATAFLOW_WEB_PORT is 'x'; expected a whole number of at least 1 and at most 65535",
        "DATAFLOW_WORKER_SECRET has a byte that is not UTF-8, at 16; expected text",
    ]


def test_a_name_that_is_near_to_none_gets_no_wrong_hint(faults_of):
    """All names begin alike; the hint goes by what comes after."""
    assert faults_of(DATAFLOW_QQQ="1") == [
        "DATAFLOW_QQQ is not a setting; expected a name that `dataflow settings` lists"
    ]


@pytest.mark.parametrize("value", ["at_least_once", "exactly_once"])
def test_a_removed_setting_says_what_became_of_it(faults_of, value):
    """A worker that silently delivered otherwise would be worse than one that does not start."""
    [fault] = faults_of(DATAFLOW_DELIVERY=value)
    assert fault.startswith(f"DATAFLOW_DELIVERY is '{value}'; expected it to be unset: every worker delivers")


@pytest.mark.parametrize("name", ["PORT", "CERT_FILE", "KEY_FILE", "CLIENT_CA_FILE"])
def test_the_listener_of_senders_names_what_took_its_place(faults_of, name):
    """Whoever set a certificate would else serve passwords in clear after an upgrade."""
    [fault] = faults_of(**{f"DATAFLOW_INGEST_TLS_{name}": "6443"})
    assert fault.startswith(f"DATAFLOW_INGEST_TLS_{name} is '6443'; expected it to be unset: ")
    assert "DATAFLOW_WEB_TLS_" in fault


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("Dataflow.Example,10.0.0.7:8443", ("dataflow.example", "10.0.0.7:8443")),
        ("2001:DB8::1,[2001:db8::2]:443", ("[2001:db8::1]", "[2001:db8::2]:443")),
    ],
)
def test_further_names_are_kept_as_browsers_write_them(monkeypatch, given, names):
    """They are compared with the Host of requests."""
    monkeypatch.setenv("DATAFLOW_WEB_NAMES", given)
    assert read_settings().web_names == names


@pytest.mark.parametrize("given", ["https://dataflow.example", "a b", "*", "dataflow.example/x"])
def test_a_further_name_is_no_address_of_a_page(faults_of, given):
    """What could match nothing would close a proxy out without a word."""
    [fault] = faults_of(DATAFLOW_WEB_NAMES=given)
    assert fault.startswith(f"DATAFLOW_WEB_NAMES is '{given}'; expected NAME[,...]: host names or addresses")


@pytest.mark.parametrize(
    "name",
    [
        "DATAFLOW_SERVICE_HOST",
        "DATAFLOW_SERVICE_PORT_HTTP",
        "DATAFLOW_PORT_6066_TCP_ADDR",
        "DATAFLOW_KAFKA_PORT",
    ],
)
def test_what_kubernetes_says_of_its_services_is_no_fault(monkeypatch, name):
    """A Service called dataflow would otherwise stop every worker of its namespace."""
    monkeypatch.setenv(name, "tcp://10.0.0.1:6066")
    read_settings()


def test_an_empty_variable_counts_as_unset(monkeypatch):
    """Compose files pass on what is not set as nothing."""
    monkeypatch.setenv("DATAFLOW_BROKER", "")
    assert read_settings().broker is None


def test_a_worker_bound_to_all_addresses_is_called_by_its_host_name(monkeypatch):
    """Other workers cannot call 0.0.0.0."""
    monkeypatch.setenv("DATAFLOW_WEB_HOST", "0.0.0.0")
    assert read_settings().advertised_host not in ("0.0.0.0", "127.0.0.1", "")


def test_a_faulty_host_is_told_once(faults_of):
    """The default of one setting comes from another; only the cause is a fault."""
    assert len(faults_of(DATAFLOW_BATCH_RECORDS="0", DATAFLOW_WEB_HOST="0.0.0.0")) == 1


def test_the_data_folder_is_absolute(monkeypatch, tmp_path):
    """Child processes may stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAFLOW_DATA_DIR", "here")
    assert read_settings().data_dir == tmp_path / "here"


def test_the_data_folder_may_begin_at_home(monkeypatch):
    """No shell expands the tilde of a variable in a unit file."""
    monkeypatch.setenv("DATAFLOW_DATA_DIR", "~/flow")
    assert read_settings().data_dir == Path.home() / "flow"


def test_names_are_split_at_commas(monkeypatch):
    """Pydantic alone would ask for JSON."""
    monkeypatch.setenv("DATAFLOW_DROP_WEB_FIELDS", "ip_address, user_agent,")
    assert read_settings().drop_web_fields == ("ip_address", "user_agent")


def test_settings_cannot_be_changed():
    """What was checked at the start holds until the end."""
    with pytest.raises(ValidationError):
        read_settings().web_port = 1  # type: ignore[misc]  # this is the test


def test_variables_are_named_after_fields():
    """One rule leads from a field to its variable."""
    assert variable_of("checkpoint_ms") == "DATAFLOW_CHECKPOINT_MS"


def test_every_bad_setting_of_a_sink_is_told_with_what_was_expected(faults_of):
    """And no secret in it: an address of PostgreSQL holds a password."""
    assert faults_of(
        DATAFLOW_CSV_ROTATE_HOURS="x",
        DATAFLOW_OPENSEARCH_CA_FILE="/nowhere.pem",
        DATAFLOW_OPENSEARCH_URL="http://search:99999",
        DATAFLOW_POSTGRES_RETENTION_DAYS="0",
        DATAFLOW_POSTGRES_URL="mysql://me:hush@db/logs",
        DATAFLOW_S3_ENDPOINT="minio:9000",
        DATAFLOW_S3_FLUSH_SECONDS="0",
        DATAFLOW_S3_FORMAT="csv",
        DATAFLOW_S3_HOUR="noon",
        DATAFLOW_S3_OBJECT_RECORDS="5",
        DATAFLOW_SINK_BATCH_RECORDS="0",
        DATAFLOW_SINK_LINGER_MS="-1",
    ) == [
        "DATAFLOW_CSV_ROTATE_HOURS is 'x'; expected a whole number of at least 1 and at most 8784",
        "DATAFLOW_OPENSEARCH_CA_FILE is '/nowhere.pem'; expected a file that exists",
        "DATAFLOW_OPENSEARCH_URL is 'http://search:99999'; expected http://host:port or https://host:port",
        "DATAFLOW_POSTGRES_RETENTION_DAYS is '0'; expected a whole number of at least 1 and at most 100000",
        "DATAFLOW_POSTGRES_URL is a secret; expected postgresql://user:password@host:port/database",
        "DATAFLOW_S3_ENDPOINT is 'minio:9000'; expected http://host:port or https://host:port",
        "DATAFLOW_S3_FLUSH_SECONDS is '0'; expected a number above 0 and at most 86400",
        "DATAFLOW_S3_FORMAT is 'csv'; expected ndjson or parquet",
        "DATAFLOW_S3_HOUR is 'noon'; expected event or arrival",
        "DATAFLOW_S3_OBJECT_RECORDS is '5'; expected a whole number of at least 1000 and at most 100000000",
        "DATAFLOW_SINK_BATCH_RECORDS is '0'; expected a whole number of at least 1 and at most 1000000",
        "DATAFLOW_SINK_LINGER_MS is '-1'; expected a whole number of at least 0 and at most 60000",
    ]


@pytest.mark.parametrize(
    "url", ["postgresql://me@db/logs", "postgres://db:5432/logs", "postgresql:///logs?host=/run/postgresql"]
)
def test_any_address_that_the_driver_takes_is_one(monkeypatch, url):
    """A socket has no host."""
    monkeypatch.setenv("DATAFLOW_POSTGRES_URL", url)
    assert read_settings().postgres_url.get_secret_value() == url
