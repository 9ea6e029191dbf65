"""Access by settings: what is open without a word of the operator, and who shares a secret."""

import asyncio
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dataflow.access.access_file import read_access_file
from dataflow.access.configured import check_access, create_authenticator
from dataflow.access.identity import GIVEN, AccessRole, Credentials
from dataflow.access.worker_secret import secret_of_commands, worker_secret
from dataflow.catalogue.declared import RECEIVED_STREAMS
from dataflow.engine.address import is_loopback
from dataflow.errors import Misconfigured
from dataflow.settings import Settings, read_settings, variable_of
from dataflow.settings.access import AccessSettings

FILE = '[certificates.x]\nroles = ["read"]\n'


def everybody_may(**chosen: object) -> set[AccessRole]:
    """Return what anybody may who shows nothing."""
    authenticator = create_authenticator(Settings(**chosen), "secret")  # type: ignore[arg-type]
    identity = asyncio.run(authenticator.identify(Credentials("127.0.0.1")))
    return {role for role in GIVEN if identity.may(role, "cdn-logs")}


def test_without_any_setting_this_machine_may_read_and_nobody_else_anything():
    """A worker is open because somebody said so, never because a file was forgotten."""
    assert everybody_may(web_host="127.0.0.1") == {AccessRole.READ, AccessRole.METRICS}
    with pytest.raises(Misconfigured, match=r"0\.0\.0\.0.*expected DATAFLOW_ACCESS_FILE"):
        everybody_may(web_host="0.0.0.0")


def test_all_that_is_missing_where_others_reach_a_worker_is_told_at_once():
    """Else an operator starts it, mends one thing, and starts it again to be told of the next."""
    with pytest.raises(Misconfigured) as raised:
        check_access(Settings(web_host="0.0.0.0"))
    access, secret = str(raised.value).splitlines()
    assert "expected DATAFLOW_ACCESS_FILE" in access
    assert "DATAFLOW_WORKER_SECRET is not set" in secret


def test_with_an_access_file_only_what_it_says_counts(tmp_path: Path):
    """Also on a loopback address: a proxy on this machine may let the world in there."""
    path = tmp_path / "access.toml"
    path.write_text(FILE)
    for host in ("127.0.0.1", "0.0.0.0"):
        assert everybody_may(web_host=host, access_file=path) == set()
        opened = everybody_may(web_host=host, access_file=path, open_roles=("metrics",))
        assert opened == {AccessRole.METRICS}


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_what_everybody_may_is_a_warning(host: str, caplog):
    """Who looks for the reason of strange events finds it in the log."""
    assert everybody_may(web_host=host, open_roles=("send:cdn-logs",)) == {AccessRole.SEND}
    assert f"roles of DATAFLOW_OPEN_ROLES. roles=send:cdn-logs host={host}" in caplog.text


def test_a_role_that_nobody_knows_is_refused():
    """A typing error opens nothing."""
    with pytest.raises(Misconfigured, match="DATAFLOW_OPEN_ROLES: role is 'reed'; expected metrics, send"):
        everybody_may(open_roles=("reed",))


@pytest.mark.parametrize("name", ["HTPASSWD_FILE", "TOKEN_FILE", "OPEN"])
def test_a_setting_of_before_says_what_to_write_now(name: str, monkeypatch: pytest.MonkeyPatch):
    """A worker that forgot it would let somebody in, or nobody."""
    monkeypatch.setenv(f"DATAFLOW_INGEST_{name}", "true")
    with pytest.raises(Misconfigured, match=r"expected it to be unset: (write each|set DATAFLOW_OPEN_ROLES)"):
        read_settings()


def test_workers_of_a_user_share_a_secret_that_nobody_else_reads(tmp_path: Path):
    """Several on one machine need no setting, in whichever folder, and however many start at once."""
    settings = Settings(web_host="127.0.0.1", cache_dir=tmp_path / "new" / "cache")
    with ThreadPoolExecutor(8) as starts:
        shared = set(starts.map(lambda _: worker_secret(settings), range(40)))
    (secret,) = shared
    assert len(secret) >= 32
    assert secret_of_commands(settings) == secret
    assert stat.S_IMODE((settings.cache_dir / "worker-secret").stat().st_mode) == 0o600


def test_workers_that_others_reach_need_a_secret_of_their_own(tmp_path: Path):
    """They may be on several machines."""
    others = Settings(web_host="0.0.0.0", cache_dir=tmp_path)
    with pytest.raises(Misconfigured, match="DATAFLOW_WORKER_SECRET is not set; expected the same secret"):
        worker_secret(others)
    given = others.model_copy(
        update={"worker_secret": Settings(worker_secret="0123456789abcdef").worker_secret}
    )
    assert worker_secret(given) == secret_of_commands(given) == "0123456789abcdef"
    with pytest.raises(Misconfigured, match="is a secret of 5 characters; expected at least 16"):
        worker_secret(Settings(worker_secret="short"))


def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path, caplog):
    """Somebody else may have put it there, in a folder that several users share."""
    path = tmp_path / "worker-secret"
    path.write_text("secret that somebody else knows")
    path.chmod(0o644)
    assert worker_secret(Settings(web_host="127.0.0.1", cache_dir=tmp_path)) != path.read_text()
    assert "expected that only this user can" in caplog.text


def test_an_empty_file_of_a_disk_that_was_full_is_no_secret(tmp_path: Path):
    """Each worker made up one of its own from then on, and answers lacked the others for good."""
    path = tmp_path / "worker-secret"
    path.touch()
    settings = Settings(web_host="127.0.0.1", cache_dir=tmp_path)
    assert worker_secret(settings) == worker_secret(settings) == path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_cannot_be_kept_is_one_of_its_own(tmp_path: Path, caplog):
    """A worker alone in a container without a home works; that others do not know it is told."""
    (tmp_path / "file").write_text("")
    settings = Settings(web_host="127.0.0.1", cache_dir=tmp_path / "file" / "cache")
    assert worker_secret(settings) != worker_secret(settings)
    assert "Secret of workers cannot be kept" in caplog.text
    assert secret_of_commands(settings) is None


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_only_this_machine_reaches_a_loopback_address(host: str, yes: bool):
    """Any other address is reached by others."""
    assert is_loopback(host) is yes


def test_every_setting_is_on_the_page_with_its_default():
    """An operator reads the page, not the code."""
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    for name, field in AccessSettings.model_fields.items():
        assert f"| `{variable_of(name)}` | | {field.description} |\n" in page
        assert field.default is None


def test_the_access_file_on_the_page_can_be_used(tmp_path: Path):
    """Who copies it and fills in the hashes has one that works."""
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "access.toml"
    whole = example.replace("$2y$10$…", f"$2y$10${'.' * 53}").replace(
        'sha256 = "…"', f'sha256 = "{"0" * 64}"'
    )
    path.write_text(whole)
    known = read_access_file(path, RECEIVED_STREAMS)
    assert set(known.users) == {"ann", "akamai"}
    assert str(*known.tokens.values()) == "token grafana"
    assert set(known.certificates) == {"edge.example"}
