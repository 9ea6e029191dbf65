"""The access file: what it may say, what is refused, and that a broken one opens nothing."""

from functools import partial
from pathlib import Path

import bcrypt
import pytest
from prometheus_client import REGISTRY

from dataflow.access.access_file import AccessList, fingerprint, read_access_file
from dataflow.access.identity import GIVEN, AccessRole, Identity, IdentityKind, read_grants
from dataflow.errors import Misconfigured
from dataflow.watched_files import LOOK_SECONDS, WatchedFile

STREAMS = ("cdn-logs", "bookings")
HASHED = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
TOKEN = "0123456789abcdef-token"
WHOLE = f"""
[users.ann]
password = "{HASHED}"
roles = ["edit"]

[users."akamai"]
password = "{HASHED.replace("$2b$", "$2y$")}"  # as htpasswd writes it
roles = ["send:cdn-logs"]

[tokens.grafana]
sha256 = "{fingerprint(TOKEN).hex()}"
roles = ["read"]

[certificates."edge.example"]
roles = ["send"]
"""

Given = set[AccessRole]


def written(folder: Path, text: str) -> Path:
    """Return a file that says this."""
    path = folder / "access.toml"
    path.write_text(text)
    return path


def test_users_tokens_and_certificates_have_their_roles(tmp_path: Path):
    """One file says who may do what."""
    known = read_access_file(written(tmp_path, WHOLE), STREAMS)
    ann, akamai = known.users["ann"].identity, known.users["akamai"].identity
    grafana, edge = known.tokens[fingerprint(TOKEN)], known.certificates["edge.example"]
    assert [str(each) for each in (ann, akamai, grafana, edge)] == [
        "user ann",
        "user akamai",
        "token grafana",
        "certificate edge.example",
    ]
    assert akamai.may(AccessRole.SEND, "cdn-logs")
    assert not akamai.may(AccessRole.SEND, "bookings")
    assert not akamai.may(AccessRole.SEND)
    assert edge.may(AccessRole.SEND, "bookings")
    assert known.schemes == ["Basic", "Bearer"]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("metrics", {AccessRole.METRICS}),
        ("send", {AccessRole.SEND}),
        ("read", {AccessRole.READ, AccessRole.METRICS}),
        ("edit", {AccessRole.EDIT, AccessRole.READ, AccessRole.METRICS}),
        ("admin", set(GIVEN)),
    ],
)
def test_a_role_includes_the_weaker_ones_and_no_other(role: str, allowed: Given):
    """A sender may not read, an editor may not send, and nobody is a worker by a file."""
    identity = Identity(IdentityKind.USER, "x", read_grants([role], STREAMS))
    given = {each for each in AccessRole if identity.may(each, "cdn-logs")}
    assert given == allowed | {AccessRole.EVERYBODY}


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, caplog):
    """Rights that are mended change neither time nor size: who was removed would stay for ever."""
    now, path, is_readable = [0.0], written(tmp_path, WHOLE), [True]

    def read(path: Path) -> AccessList:
        return read_access_file(path if is_readable[0] else tmp_path, STREAMS)  # no file: a folder

    file = WatchedFile(path, read, lambda: now[0])
    is_readable[0] = False
    written(tmp_path, "[tokens" + WHOLE.partition("[tokens")[2])
    for _ in range(3):
        now[0] += LOOK_SECONDS
        assert set(file.latest().users) == {"ann", "akamai"}
    assert caplog.text.count("is refused; the old one stays in use") == 1
    is_readable[0] = True
    now[0] += LOOK_SECONDS
    assert not file.latest().users


def test_a_file_that_changes_is_read_again_and_a_broken_one_is_not(tmp_path: Path, caplog):
    """An editor may save half a file; the roles before stay, and nothing is open."""
    now = [0.0]
    path = written(tmp_path, WHOLE)
    file = WatchedFile(path, partial(read_access_file, streams=STREAMS), lambda: now[0])
    for text in (WHOLE[:60], "", "x=" + "[" * 3_000, None):
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        now[0] += LOOK_SECONDS
        assert set(file.latest().users) == {"ann", "akamai"}, text
        assert REGISTRY.get_sample_value("dataflow_file_refused", {"file": str(path)}) == 1
    assert "New content of a file is refused; the old one stays in use." in caplog.text
    assert HASHED[:20] not in caplog.text
    path.write_text(f'[users.bob]\npassword = "{HASHED}"\nroles = ["read"]\n')
    now[0] += LOOK_SECONDS
    assert set(file.latest().users) == {"bob"}
    assert REGISTRY.get_sample_value("dataflow_file_refused", {"file": str(path)}) == 0


USER = '[users.ann]\nroles = ["read"]\npassword = "{}"'
TOKENS = '[tokens.x]\nroles = ["read"]\nsha256 = "{}"'
SAME_TOKEN = "\n".join([TOKENS, TOKENS.replace("x", "y")]).format("0" * 64, "0" * 64)
CERTIFICATE = '[certificates.x]\nroles = ["{}"]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names nobody"),
        ("users = 1", r"Expected `object`, got `int` - at `\$.users`"),
        ("[user.ann]\nroles = []", "unknown field `user`"),
        ('[users.ann]\nroles = ["read"]', r"missing required field `password`"),
        (USER.format("plain-s3cret"), r"\[users.ann\] of access file .* is no user with a bcrypt hash"),
        (USER.format("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="), r"\[users.ann\]"),
        (USER.format("$apr1$x$y"), "expected what `htpasswd -nB NAME` writes"),
        (USER.format(HASHED.replace("$04$", "$15$")), "of a cost from 4 to 14"),
        (USER.format(HASHED).replace("users.ann", 'users."a:b"'), "and no colon in NAME"),
        (USER.format(HASHED[:28] + "a" + HASHED[29:]), "is no user with a bcrypt hash"),  # bcrypt refuses it
        (SAME_TOKEN, r"\[tokens.y\] of access file .* is the token of \[tokens.x\]; expected one of its own"),
        (TOKENS.format("s3cret"), r"\[tokens.x\] of access file .* has no SHA-256; expected 64"),
        (CERTIFICATE.format("boss"), r"\[certificates.x\] .*: role is 'boss'; expected metrics, send, read"),
        (CERTIFICATE.format("worker"), "role is 'worker'; expected"),
        (CERTIFICATE.format("everybody"), "role is 'everybody'; expected"),
        (CERTIFICATE.format("read:cdn-logs"), "role is 'read:cdn-logs'; expected .* or send:STREAM"),
        (CERTIFICATE.format("send:clicks"), "stream of role 'send:clicks' is 'clicks'; expected cdn-logs or"),
        ("\xff", "expected TOML as docs/security.md shows it"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_shown(tmp_path: Path, text: str, message: str):
    """The message ends up in a log."""
    path = tmp_path / "access.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Misconfigured, match=message) as raised:
        read_access_file(path, STREAMS)
    assert "s3cret" not in str(raised.value)
    assert HASHED[7:] not in str(raised.value)
