"""The image: what its Dockerfile promises, as far as can be told without building it."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

from dataflow.cli import program
from dataflow.extras import Extra

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
IGNORED = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] != "#"]


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name, in their order."""
    return re.findall(rf"^{name} +(.*)", DOCKERFILE, re.MULTILINE)


def is_sent(path: str) -> bool:
    """Tell whether a file is in the build's context; the last pattern that fits decides."""
    sent = True
    for pattern in IGNORED:
        rule = pattern.removeprefix("!")
        parts = [path, *map(str, Path(path).parents)]
        if any(fnmatch(part, rule) or (rule.startswith("**/") and fnmatch(part, rule[3:])) for part in parts):
            sent = pattern.startswith("!")
    return sent


def test_the_base_is_pinned_by_its_digest():
    """A tag may be another image tomorrow; both stages have the same one."""
    (base,) = (given for given in instructions("ARG") if given.startswith("BASE="))
    assert re.fullmatch(r"BASE=docker\.io/library/python:[\w.-]+@sha256:[0-9a-f]{64}", base)
    assert {given.split()[0] for given in instructions("FROM")} == {"${BASE}"}


def test_it_runs_as_a_user_by_number():
    """Kubernetes refuses `runAsNonRoot` for a name, as it cannot tell whose it is."""
    assert instructions("USER")[-1] == "10001:10001"


def test_it_starts_and_checks_its_health_by_the_program_alone():
    """No shell, no curl: signals come to the worker, and there is nothing else to keep up to date."""
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["dataflow"]
    check = json.loads(instructions("HEALTHCHECK")[0].partition(" CMD ")[2])
    names = {command.__name__ for command in program.COMMANDS}
    assert check[0] == "dataflow"
    assert {check[1], *json.loads(instructions("CMD")[0])} <= names


def test_everything_is_installed_by_hash():
    """Every package of every part, and what builds and lists them."""
    installs = re.findall(r"pip\S*(?: --python \S+)? install ([^;&]*)", DOCKERFILE)
    assert len(installs) == 5
    assert all("--require-hashes -r" in given or "--no-index" in given for given in installs)


def test_its_mounts_are_built_by_buildkit():
    """Docker before 23 has another builder by default: `the --mount option requires BuildKit`."""
    assert any("--mount" in given for given in instructions("RUN"))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.findall(r"echo (.*docker build) \|\|", makefile) == ["DOCKER_BUILDKIT=1 docker build"]
    for page in ("README.md", "docs/deploy-compose.md"):
        assert "export DOCKER_BUILDKIT=1" in (ROOT / page).read_text("utf-8")


def test_the_context_has_what_the_wheel_needs_and_no_demo():
    """An image that is put out has no broker, no generators, and nothing that lies about in a checkout."""
    needed = [
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "requirements.lock",
        "dataflow/web/static/page.css",
    ]
    needed += [f"{room}/x.py" for room in ("agents", "dataflow", "models", "tables")]
    needed += [f"requirements-{extra}.lock" for extra in Extra if extra is not Extra.DEMO]
    assert [path for path in needed if not is_sent(path)] == []
    private = [
        "dataflow/demo/broker/java.py",
        "tests/conftest.py",
        ".git/config",
        ".env",
        "dataflow/__pycache__/app.pyc",
    ]
    assert [path for path in private if is_sent(path)] == []
