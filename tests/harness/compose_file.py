"""The compose file as Compose reads it: merge keys and variables resolved, each service a mapping."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml_rs

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
ENV_EXAMPLE = ROOT / ".env.example"
SECRETS = "/run/secrets/"

Service = Mapping[str, Any]

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z0-9_]+)(?::-(?P<default>[^}]*))?\}")


def variables() -> dict[str, set[str | None]]:
    """Return the defaults of each variable of the file; None where it has none."""
    found: dict[str, set[str | None]] = {}
    for name, default in VARIABLE.findall(COMPOSE_FILE.read_text()):
        found.setdefault(name, set()).add(default)
    return found


def compose() -> dict[str, Any]:
    """Return the whole document, all variables at their defaults."""
    text = VARIABLE.sub(lambda match: match["default"] or "", COMPOSE_FILE.read_text())
    return cast("dict[str, Any]", _merged(yaml_rs.loads(text)))


def services() -> dict[str, Service]:
    """Return each service by its name."""
    return cast("dict[str, Service]", compose()["services"])


def is_job(service: Service) -> bool:
    """Tell whether it ends by itself."""
    return bool(service["restart"] == "no")


def secret_targets(service: Service) -> dict[str, str]:
    """Return the secret behind each file that it finds in /run/secrets."""
    given = (one if isinstance(one, dict) else {"source": one} for one in service.get("secrets", ()))
    return {str(one.get("target", one["source"])): str(one["source"]) for one in given}


def environment(service: Service) -> dict[str, str]:
    """Return its environment as texts."""
    return {
        name: "" if value is None else str(value) for name, value in service.get("environment", {}).items()
    }


def mounted_files(service: Service) -> Iterator[Path]:
    """Yield the files of this repository that it is given."""
    for volume in service.get("volumes", ()):
        source = str(volume).split(":", 1)[0]
        if source.startswith("."):
            path = ROOT / source
            yield from (file for file in [path, *path.rglob("*")] if file.is_file())


def used_secrets(service: Service) -> set[str]:
    """Return the files in /run/secrets that its environment, its command and its files name."""
    texts = [
        str(service),
        *(file.read_text() for file in mounted_files(service) if file.suffix not in (".gz", ".pyc")),
    ]
    return set(re.findall(rf"{SECRETS}([\w.-]*\w)", "\n".join(texts)))


def _merged(node: Any) -> Any:  # as YAML has it
    """Return what a document says once its merge keys are resolved."""
    if isinstance(node, list):
        return [_merged(one) for one in node]
    if not isinstance(node, dict):
        return node
    merged: dict[str, Any] = {}
    for parent in _listed(node.get("<<", [])):
        merged |= _merged(parent)
    return merged | {name: _merged(value) for name, value in node.items() if name != "<<"}


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]
