"""Secrets of the settings: shown nowhere, whatever is wrong with them, and each may be in a file."""

from codecs import BOM_UTF8
from pathlib import Path

import pytest

from dataflow.cli.settings import _rows
from dataflow.cli.worker_client import NotReady, ask, tell
from dataflow.errors import DataflowError, Misconfigured, SinkUnavailable
from dataflow.masking import masked
from dataflow.settings import Settings, read_settings, variable_of
from dataflow.settings.secret_files import is_secret

pytestmark = pytest.mark.usefixtures("no_settings")

MARKER = "hush-4711"
LOGINS = (
    "http://me:{}@search:9200", "https://me:{}@search:x", "https://me:{}/x@search", "http://{}@search",
    "http://me:{}", "me:{}@kafka:9092", "kafka:9092,me:{}@kafka:9092", "postgresql://me:{}@db/logs",
    "mysql://me:{}@db/logs", "http://search/?api_key={}&x=1", "postgresql:///logs?password={}",
    "cdn-logs=s3://me:{}@bucket/key", "s3://me:{}@bucket",
)  # fmt: skip
SECRETS = sorted(name for name, field in Settings.model_fields.items() if is_secret(field.annotation))


def all_that_is_shown() -> str:
    """Return what anybody is shown of the settings: by the command, as a value, or their faults."""
    try:
        settings = read_settings()
    except Misconfigured as error:
        return f"{error} {error!r}"
    secrets = {name: getattr(settings, name) for name in SECRETS}
    return f"{list(_rows())} {secrets!r} {settings.model_dump(include={*SECRETS}, mode='json')}"


@pytest.mark.parametrize("form", LOGINS)
def test_no_password_in_any_setting_is_shown_be_it_valid_or_not(monkeypatch, form: str):
    """A password may stand where nobody expects it, and a typing error makes a fault of any value."""
    for name in Settings.model_fields:
        monkeypatch.setenv(variable_of(name), form.format(MARKER))
    faults = all_that_is_shown()
    assert MARKER not in faults
    for name in set(Settings.model_fields):
        if f"{variable_of(name)} is " in faults or name.startswith(("broker", "ingest_")):
            monkeypatch.delenv(variable_of(name))
    shown = all_that_is_shown()
    assert shown.startswith("[('DATAFLOW_BROKER'")
    assert MARKER not in shown


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_not_shown_where_it_stands_alone(monkeypatch, name: str):
    """The type of the setting says that it is one, also where it is no address, as it should be."""
    monkeypatch.setenv(variable_of(name), MARKER)
    assert MARKER not in all_that_is_shown()


def test_the_rest_of_an_address_is_shown(monkeypatch):
    """Whoever looks at the settings has to see which server they name."""
    monkeypatch.setenv("DATAFLOW_OPENSEARCH_URL", f"https://me:{MARKER}@search:9200")
    shown = {variable: value for variable, value, _, _ in _rows()}
    assert shown["DATAFLOW_OPENSEARCH_URL"] == "https://********@search:9200"
    assert read_settings().opensearch_url.get_secret_value() == f"https://me:{MARKER}@search:9200"


def test_of_several_addresses_the_rest_is_shown(monkeypatch):
    """Each may hold a password."""
    urls = f"https://me:{MARKER}@search:9200, https://you:{MARKER}@b"
    monkeypatch.setenv("DATAFLOW_OPENSEARCH_URL", urls)
    shown = {variable: value for variable, value, _, _ in _rows()}
    assert shown["DATAFLOW_OPENSEARCH_URL"] == "https://********@search:9200, https://********@b"


def test_a_login_in_the_address_of_s3_is_refused(monkeypatch):
    """No server would look at it, and the SDK tells the whole address in each error."""
    monkeypatch.setenv("DATAFLOW_S3_ENDPOINT", f"http://me:{MARKER}@minio:9000")
    with pytest.raises(Misconfigured, match="keys in settings of their own"):
        read_settings()


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("begin", [b"", BOM_UTF8])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_secret_may_be_in_a_file(monkeypatch, tmp_path: Path, name: str, begin: bytes, end: str):
    """An environment is shown by many tools; and what wrote the file has mostly ended its line.

    Windows also begins it with a mark of UTF-8.
    """
    url = "postgresql://me:hush@db/logs" if name.startswith("postgres") else "https://search:9200"
    (tmp_path / "secret").write_bytes(begin + (url + end).encode())
    variable = f"{variable_of(name)}_FILE"
    monkeypatch.setenv(variable, str(tmp_path / "secret"))
    if name in ("broker_password", "broker_token_url"):
        monkeypatch.setenv("DATAFLOW_BROKER", "kafka:9092")
        monkeypatch.setenv("DATAFLOW_BROKER_SECURITY", "sasl_ssl")
        monkeypatch.setenv("DATAFLOW_BROKER_USERNAME", "me")
    if name == "broker_token_url":
        monkeypatch.setenv("DATAFLOW_BROKER_SASL_MECHANISM", "OAUTHBEARER")
        monkeypatch.setenv("DATAFLOW_BROKER_PASSWORD", "hush")
    assert getattr(read_settings(), name).get_secret_value() == url
    assert variable in {source for _, _, source, _ in _rows()}


@pytest.mark.parametrize("name", SECRETS)
def test_a_file_of_a_secret_that_cannot_be_used_is_named(monkeypatch, tmp_path: Path, name: str):
    """With no word of what stands in it; and all such faults are told at once."""
    variable = variable_of(name)
    faults = {"can be read (No such file": None, "is empty": b"", "not UTF-8": b"\xff"}
    faults["it has more than 65536 bytes"] = b"x" * 65_537  # a wrong name, such as that of a log of many GB
    for fault, content in faults.items():
        path = tmp_path / f"secret-{len(fault)}"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv(f"{variable}_FILE", str(path))
        with pytest.raises(Misconfigured) as raised:
            read_settings()
        told = [line for line in str(raised.value).splitlines() if line.startswith(f"{variable}_FILE is ")]
        assert len(told) == 1
        assert fault in told[0]
        assert str(path) in told[0]


def test_a_file_in_the_home_of_nobody_is_named(monkeypatch):
    """It was a traceback."""
    monkeypatch.setenv("DATAFLOW_ACCESS_TOKEN_FILE", "~nobody-of-this-name/token")
    with pytest.raises(
        Misconfigured, match=r"DATAFLOW_ACCESS_TOKEN_FILE is '~nobody.*can be read \(there is no"
    ):
        read_settings()


@pytest.mark.parametrize("token", [f"{MARKER}\n{MARKER}", f"{MARKER}é", f"{MARKER} {MARKER}"])
def test_a_token_that_no_header_can_have_is_refused_unseen(monkeypatch, token: str):
    """Commands said that the answer of a worker was no JSON, which they had never asked."""
    monkeypatch.setenv("DATAFLOW_ACCESS_TOKEN", token)
    told = all_that_is_shown()
    assert "DATAFLOW_ACCESS_TOKEN is a secret; expected one token, in one line" in told
    assert MARKER not in told


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_and_its_file_exclude_each_other(monkeypatch, tmp_path: Path, name: str):
    """Nobody could say which one counts."""
    (tmp_path / "secret").write_text(MARKER)
    monkeypatch.setenv(f"{variable_of(name)}_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv(variable_of(name), MARKER)
    told = all_that_is_shown()
    assert f"{variable_of(name)}_FILE is set, and so is {variable_of(name)}; expected one of them" in told
    assert MARKER not in told


@pytest.mark.parametrize(
    "words",
    [
        f'Could not connect to the endpoint URL: "http://me:{MARKER}@minio:9000/logs"',
        f"invalid DSN: postgresql://me:{MARKER}@db/logs",
        f"postgresql:///logs?host=/run&sslpassword={MARKER}",
        f"connection to 'host=db password={MARKER} dbname=logs' has failed",
        f"403 for https://bucket.s3/key?X-Amz-Signature={MARKER}&X-Amz-Security-Token={MARKER}",
        f"ApiKey_secret={MARKER}",
    ],
)
def test_no_error_of_ours_holds_a_password_that_a_library_tells(words: str):
    """It ends in logs, in answers of HTTP, and in the state of a sink, which Kafka keeps."""
    for error in (SinkUnavailable(f"S3: {words}"), Misconfigured(words), DataflowError(OSError(words))):
        assert MARKER not in str(error)
    assert masked(words).split()[0] == words.replace(MARKER, "********").split()[0]


def test_text_without_a_password_is_not_changed():
    """Else the errors of senders would name other addresses than they have sent."""
    for text in (
        "topic is 'a@b'; expected http://host:port",
        "s3://bucket/a@b.gz",
        "token is missing",
        "a=b",
    ):
        assert masked(text) == text


@pytest.mark.parametrize("send", [ask, tell])
def test_the_password_of_the_address_of_a_worker_is_in_no_error(send):
    """It is typed on a command line; what is printed is copied into tickets."""
    with pytest.raises(NotReady) as raised:
        send(f"http://ann:{MARKER}@127.0.0.1:9", "tables")
    assert MARKER not in str(raised.value)
    assert "127.0.0.1:9" in str(raised.value)
