"""Free-form maps: keys that an API server accepts, whatever they are called, against lists of them."""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from deploy.manifests import Manifest, Node, name_of

from dataflow.settings import Settings, variable_of
from dataflow.settings.secret_files import SUFFIX, is_secret

KEYS = tomllib.loads(Path(__file__).with_name("free_form_keys.toml").read_text())
SETTINGS = frozenset(
    name
    for field, info in Settings.model_fields.items()
    for name in (variable_of(field), *([variable_of(field) + SUFFIX] if is_secret(info.annotation) else []))
)


def free_form_faults(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield keys of free-form maps that are not known; works on patches, too."""
    for manifest in manifests:
        where = name_of(manifest)
        yield from _walk(where, manifest)
        match manifest.get("kind"):
            case "ScaledObject" | "ScaledJob":
                yield from _trigger_faults(where, manifest)
            case "Kafka":
                config = manifest["spec"]["kafka"].get("config", {})
                yield from unknown(f"{where}: config", config, KEYS["kafka"]["config"])
            case "StorageClass":
                yield from unknown(
                    f"{where}: parameters", manifest.get("parameters", {}), KEYS["storage_class"]
                )
            case "ConfigMap":
                yield from setting_faults(where, manifest.get("data", {}))


def unknown(what: str, given: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield a fault for each key that is not known, with the nearest that is."""
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            yield f"{what} has {key}; expected {near[0] if near else 'one of ' + ', '.join(sorted(known))}"


def setting_faults(where: str, names: Iterable[str]) -> Iterator[str]:
    """Yield names that look like settings and are none."""
    yield from unknown(
        f"{where}: setting", [name for name in names if name.startswith("DATAFLOW_")], SETTINGS
    )


def _trigger_faults(where: str, manifest: Manifest) -> Iterator[str]:
    for trigger in manifest["spec"].get("triggers", []):
        kind = trigger.get("type", "")
        yield from unknown(f"{where}: triggers", [kind], KEYS["triggers"])
        known = KEYS["triggers"].get(kind, ())
        if known:
            yield from unknown(f"{where}: metadata of trigger {kind}", trigger["metadata"], known)


def _walk(where: str, node: Node) -> Iterator[str]:
    """Look at every map, however deep."""
    if isinstance(node, list):
        for one in node:
            yield from _walk(where, one)
    elif isinstance(node, Mapping):
        yield from _map_faults(where, node)
        for value in node.values():
            yield from _walk(where, value)


def _map_faults(where: str, node: Mapping[str, Node]) -> Iterator[str]:
    """Look at labels, annotations, selectors, resources and variables of one map."""
    if isinstance(metadata := node.get("metadata"), Mapping):
        for kind in ("labels", "annotations"):
            yield from unknown(f"{where}: {kind}", metadata.get(kind) or {}, KEYS[kind])
    yield from unknown(f"{where}: selector", node.get("matchLabels") or {}, KEYS["selectors"])
    if isinstance(resources := node.get("resources"), Mapping):
        for kind in ("requests", "limits"):
            yield from unknown(f"{where}: {kind}", resources.get(kind) or {}, KEYS["resources"])
    if isinstance(variables := node.get("env"), list):
        yield from setting_faults(where, [one["name"] for one in variables if "name" in one])
