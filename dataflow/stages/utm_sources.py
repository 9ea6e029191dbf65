"""UTM sources: a JSON file in, the marketing category of each known source out."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from dataflow.errors import Misconfigured

DEFAULT_UTM_SOURCES = Path(__file__).with_name("utm_sources.json")


def load_utm_sources(path: Path = DEFAULT_UTM_SOURCES) -> Mapping[str, str]:
    """Return category by source, the sources as `normal_source` writes them.

    Raise `Misconfigured` naming the file, the source, its value and what was expected.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"UTM source file is {path}; expected a file: {error}") from error
    return read_utm_sources(raw, str(path))


def read_utm_sources(raw: bytes, origin: str) -> Mapping[str, str]:
    """Return category by source from the text of such a file; `origin` is named in errors."""
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Misconfigured(f"{origin} is not JSON; {error}") from error
    if not isinstance(sent, dict):
        raise Misconfigured(f"{origin} is {_shown(sent)}; expected an object of source: category")
    sources: dict[str, str] = {}
    for source, category in sent.items():
        name = normal_source(source)
        if not name or name in sources:
            what = "a name not used before" if name else "a name"
            raise Misconfigured(f"{origin}: source is {source!r}; expected {what}")
        if not isinstance(category, str) or not category.strip():
            raise Misconfigured(f"{origin}: category of {source!r} is {_shown(category)}; expected a name")
        sources[name] = category.strip()
    return sources


def normal_source(source: str) -> str:
    """Return a UTM source as it is compared: trimmed, and without regard to case."""
    return source.strip().casefold()


def _shown(value: object) -> str:
    return orjson.dumps(value).decode()[:80]
