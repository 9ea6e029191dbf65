"""`dataflow secrets init`: every secret of a deployment, private, made once, and such as servers take."""

import asyncio
import base64
import json
import re
import stat
import subprocess
import sys
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
import yaml_rs

from dataflow.access.access_file import read_access_file
from dataflow.access.authenticator import Authenticator
from dataflow.access.identity import AccessRole, Credentials, Grants
from dataflow.catalogue.declared import RECEIVED_STREAMS
from dataflow.errors import Misconfigured
from dataflow.provisioning.certificate_files import SERVERS
from dataflow.provisioning.deployment_secrets import SecretOptions, make_secrets
from dataflow.provisioning.passwords import make_password
from dataflow.provisioning.secret_folder import FileState, SecretFolder
from dataflow.settings import Role, read_settings
from dataflow.tls import client_context, fault_of_handshake, server_context
from dataflow.watched_files import WatchedFile

HOSTS = {"workers": ("events.example", "2001:DB8:0::7")}


def make(path: Path, hosts=HOSTS, *, for_containers: bool = False) -> dict[str, FileState]:
    """Make what is missing; return what has become of each file."""
    folder = SecretFolder(path, for_containers=for_containers)
    make_secrets(folder, SecretOptions(hosts, 30, PurePosixPath("/run/secrets")))
    return folder.states


def contents(path: Path) -> dict[str, bytes]:
    """Return what is in each file."""
    return {file.name: file.read_bytes() for file in path.iterdir()}


def modes(path: Path) -> set[int]:
    """Return who may do what with the files."""
    return {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a folder in which all secrets are."""
    make(tmp_path / "secrets")
    return tmp_path / "secrets"


def test_secrets_are_for_their_owner_alone(made: Path):
    """Whoever else has a login on the machine must not read them."""
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert modes(made) == {0o600}


def test_secrets_for_containers_stay_behind_a_closed_folder(made: Path):
    """A container has another user, and mounts files one by one; those that are there are opened, too."""
    make(made, for_containers=True)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert modes(made) == {0o444}


def test_a_second_run_changes_nothing(made: Path):
    """It is run again to add what a new release needs."""
    before = contents(made)
    assert set(make(made).values()) == {FileState.KEPT}
    assert contents(made) == before


def test_no_two_secrets_are_the_same(made: Path):
    """Each server may lose one, and only its own."""
    found = [
        text for name, text in contents(made).items() if re.search("password|token|secret|\\.key$", name)
    ]
    assert len(set(found)) == len(found) > 20


def test_each_role_has_a_kafka_user_that_the_broker_knows(made: Path):
    """A broker that does not know one lets its workers wait for good."""
    logins = (made / "kafka-users.jaas").read_text()
    for role in Role:
        password = (made / f"kafka-{role}-password").read_text().strip()
        assert f'user_dataflow-{role}="{password}"' in logins


@pytest.mark.parametrize(
    ("deleted", "differs"),
    [
        ("admin-password", {"access.toml"}),
        ("sender-token", {"access.toml"}),
        ("kafka-enrich-password", {"kafka-users.jaas"}),
        ("postgres-password", {"postgres-url"}),
        ("s3.key", {"s3.crt", "s3.pem"}),
    ],
)
def test_what_is_made_of_a_secret_that_is_new_is_told(made: Path, deleted: str, differs: set[str]):
    """It is not overwritten: its reader may not have been told yet."""
    before = contents(made)
    (made / deleted).unlink()
    states = make(made)
    assert {name for name, state in states.items() if state is FileState.DIFFERS} == differs
    assert {name for name, text in contents(made).items() if before[name] != text} == {deleted}


def test_further_users_of_the_access_file_are_no_difference(made: Path):
    """It is there to be edited."""
    with (made / "access.toml").open("a") as file:
        file.write('[certificates."edge.example"]\nroles = ["send"]\n')
    assert make(made)["access.toml"] is FileState.KEPT


@pytest.mark.parametrize("server", SERVERS)
def test_certificates_are_trusted_for_their_names_alone(made: Path, server: str):
    """A client that trusts the CA connects, and to no other name than was asked for."""
    serves = server_context(made / f"{server}.crt", made / f"{server}.key", None)
    trusts = client_context(made / "ca.crt")
    for host in (server, "localhost", "127.0.0.1", "::1"):
        assert fault_of_handshake(serves, trusts, host) is None
    is_named = fault_of_handshake(serves, trusts, "events.example") is None
    assert is_named == (server == "workers")
    assert fault_of_handshake(serves, client_context(None), "localhost") is not None


def test_a_certificate_without_a_name_that_is_asked_for_is_told(made: Path):
    """It has to be deleted to be made anew; names in another spelling are the same."""
    assert make(made, {"workers": ("EVENTS.example", "2001:db8::7")})["workers.crt"] is FileState.KEPT
    assert make(made, {"workers": ("other.example",)})["workers.crt"] is FileState.DIFFERS


def test_certificates_of_another_authority_are_told(made: Path):
    """Clients that trust the new one would refuse them."""
    for name in ("ca.crt", "ca.key"):
        (made / name).unlink()
    assert make(made)["kafka.crt"] is FileState.DIFFERS


def test_the_key_of_the_authority_may_be_kept_elsewhere(made: Path):
    """It is the one that opens all; it is missed only when something is to be signed."""
    (made / "ca.key").unlink()
    assert make(made)["ca.crt"] is FileState.KEPT
    assert not (made / "ca.key").exists()
    (made / "s3.crt").unlink()
    with pytest.raises(Misconfigured, match=r"ca\.key is missing; expected the key of ca\.crt, to sign s3"):
        make(made)


def test_the_access_file_lets_in_the_admin_and_the_tokens(made: Path):
    """Their passwords and tokens are in files beside it, and nowhere in it."""

    async def who(authorization: str) -> AccessRole | None:
        file = WatchedFile(made / "access.toml", lambda path: read_access_file(path, RECEIVED_STREAMS))
        known = Authenticator(file, "secret of workers", Grants())
        identity = await known.identify(Credentials("192.0.2.1", authorization))
        wanted = (AccessRole.ADMIN, AccessRole.SEND, AccessRole.METRICS)
        return next((role for role in wanted if identity.may(role)), None)

    password = (made / "admin-password").read_text().strip()
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    assert asyncio.run(who(f"Basic {login}")) is AccessRole.ADMIN
    for name, role in (("admin", "admin"), ("sender", "send"), ("metrics", "metrics")):
        token = (made / f"{name}-token").read_text().strip()
        assert asyncio.run(who(f"Bearer {token}")) is AccessRole(role)
        assert token not in (made / "access.toml").read_text()


def test_settings_take_the_files(made: Path, monkeypatch: pytest.MonkeyPatch):
    """What is made and what is read must be of one form."""
    files = {
        "ACCESS_FILE": "access.toml", "WORKER_SECRET_FILE": "worker-secret",
        "ACCESS_TOKEN_FILE": "admin-token", "POSTGRES_URL_FILE": "postgres-url",
        "OPENSEARCH_PASSWORD_FILE": "opensearch-password", "S3_SECRET_KEY_FILE": "s3-secret-key",
    }  # fmt: skip
    for variable, name in files.items():
        monkeypatch.setenv(f"DATAFLOW_{variable}", str(made / name))
    settings = read_settings()
    assert settings.postgres_url is not None
    password = (made / "postgres-password").read_text().strip()
    assert password in settings.postgres_url.get_secret_value()


ODD = "a/b&c'd|e%f@g#h:i?j;k`l!m<n>o{p}q=r+s~t*u^v,w.x(y)z[0]1"
"""What AWS, password managers and people make up."""


def by_hand(path: Path, **texts: str) -> Path:
    """Put secrets there, then make the others."""
    path.mkdir()
    for name, text in texts.items():
        (path / name.replace("_", "-")).write_text(text + "\n")
    make(path)
    return path


def test_a_password_put_there_by_hand_gets_into_every_file_as_it_is(tmp_path: Path):
    """A slash ended the name of a host, and Dashboards got another password than OpenSearch."""
    made = by_hand(
        tmp_path / "secrets",
        postgres_password=ODD, kafka_admin_password=ODD, opensearch_admin_password=ODD, admin_password=ODD,
    )  # fmt: skip
    url = urlsplit((made / "postgres-url").read_text().strip())
    assert (url.username, unquote(url.password), url.hostname) == ("dataflow", ODD, "postgres")
    assert f'username="admin" password="{ODD}"' in (made / "kafka-users.jaas").read_text()
    assert dashboards_settings(made, tmp_path)["opensearch.password"] == ODD


def dashboards_settings(secrets: Path, tmp_path: Path) -> dict[str, object]:
    """Return what OpenSearch Dashboards would be started with."""
    folder = Path(__file__).parents[2] / "deploy" / "compose" / "dashboards"
    script = (folder / "start.sh").read_text().replace("/tmp/", f"{tmp_path}/")
    script = script.replace("/etc/dataflow", str(folder)).replace("/run/secrets", str(secrets))
    begin, exec_line, _ = script.rpartition("exec ")
    assert exec_line
    subprocess.run(["bash", "-c", begin], check=True, timeout=60)
    return yaml_rs.loads((tmp_path / "opensearch_dashboards.yml").read_text())


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a$b", "${HOME}", "a b", "a\tb", "a\nb", "pässword", "\x00"])
def test_a_password_that_files_would_quote_is_refused(tmp_path: Path, text: str):
    """JAAS, properties, YAML, curl and Spring differ in how: some server would get another one."""
    with pytest.raises(Misconfigured, match=r"file .*grafana-password has .* in it; expected a secret of"):
        by_hand(tmp_path / "secrets", grafana_password=text)


def test_a_password_that_bcrypt_would_cut_is_refused(tmp_path: Path):
    """It was a traceback."""
    with pytest.raises(Misconfigured, match="admin-password has 73 characters; expected 72 at most"):
        by_hand(tmp_path / "secrets", admin_password="x" * 73)


def test_passwords_are_such_as_servers_demand():
    """OpenSearch refuses one without a capital, a small letter, a digit and another character."""
    for password in {make_password() for _ in range(200)}:
        assert re.fullmatch(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9]{6}(-[A-Za-z0-9]{6}){3}", password)


@pytest.mark.parametrize(
    "given",
    [
        "workers", "workers=", "=a.example", "workers=a.example,", "a/b=c",
        "workers=a b", "workers=-x", "workers=a..b", "workers=https://a",
    ],
)  # fmt: skip
def test_hosts_that_say_nothing_are_refused(tmp_path: Path, given: str):
    """A certificate without the name would be found out by the first client."""
    done = command(tmp_path / "secrets", "--host", given)
    assert done.returncode == 2
    assert f"--host is '{given}'; expected" in done.stderr
    assert not (tmp_path / "secrets").exists()


def test_a_folder_of_others_is_not_closed_to_them(tmp_path: Path):
    """`secrets init /etc` or `.` made it mode 700, and put forty files and a .gitignore into it."""
    (tmp_path / "nginx").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(Misconfigured, match=r"has a folder 'nginx' in it; expected one for secrets alone"):
        make(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["nginx"]


def test_no_secret_is_printed(tmp_path: Path):
    """Output goes to logs of pipelines."""
    done = command(tmp_path / "secrets")
    assert set(json.loads(done.stdout)["files"].values()) == {"made"}
    for name, text in contents(tmp_path / "secrets").items():
        assert name == ".gitignore" or text.decode().strip() not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["ca.crt", "kafka.crt", "ca.key"])
def test_a_broken_file_is_named_or_told(made: Path, name: str):
    """It is never overwritten, and no traceback says nothing of it."""
    (made / name).write_text("no PEM")
    if name == "ca.key":
        (made / "s3.crt").unlink()
        with pytest.raises(Misconfigured, match="private key cannot be read"):
            make(made)
    else:
        assert make(made)["kafka.crt"] is FileState.DIFFERS


def command(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    arguments = [sys.executable, "-m", "dataflow", "secrets", "init", str(folder), *options]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
