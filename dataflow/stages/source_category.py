"""Source category: which kind of marketing brought a visitor, by a map of UTM sources in a JSON file."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import orjson

from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from dataflow.errors import Misconfigured
from dataflow.small_files import MOST_DOCUMENT_BYTES, read_small_file
from dataflow.stages.bounded_cache import BoundedCache
from models.page_view import PageView

DEFAULT_UTM_SOURCES = Path(__file__).with_name("utm_sources.json")
OTHER = "other/unknown"
NO_DOMAIN = "n/a"


def load_utm_sources(path: Path = DEFAULT_UTM_SOURCES) -> Mapping[str, str]:
    """Return category by source, as `normal_source` writes it; raise `Misconfigured`, naming the fault."""
    try:
        raw = read_small_file(path, MOST_DOCUMENT_BYTES)
    except OSError as error:
        raise Misconfigured(
            f"UTM source file is '{path}'; expected a file that can be read ({error.strerror})"
        ) from error
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


def source_category(utm_source: str | None, sources: Mapping[str, str]) -> str | None:
    """Return the category of a UTM source: None if it is null or blank, `OTHER` if it is not in the map."""
    name = "" if utm_source is None else normal_source(utm_source)
    return sources.get(name, OTHER) if name else None


def user_email_domain(user_custom_id: str | None) -> str | None:
    """Return what follows the last ``@``; `NO_DOMAIN` if there is none, None without an id."""
    if user_custom_id is None:
        return None
    _, at, domain = user_custom_id.rpartition("@")
    return domain if at else NO_DOMAIN


class SourceCategorizer:
    """The stage, for one map of UTM sources."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """Take the map that `load_utm_sources` gives."""
        self._sources = sources
        self._added: BoundedCache[tuple[str | None, str | None], Added] = BoundedCache(self._added_of)

    def __call__(self, view: PageView) -> Added:
        """Return ``source_category`` and ``user_email_domain``, each if it has something to say."""
        return self._added[_text(view.utm_source), user_email_domain(_text(view.user_custom_id))]

    def _added_of(self, key: tuple[str | None, str | None]) -> Added:
        utm_source, domain = key
        category = source_category(utm_source, self._sources)
        fields = {"source_category": category, "user_email_domain": domain}
        return Added(**{name: value for name, value in fields.items() if value is not None})


def _text(value: object) -> str | None:
    """Return a value as the text that it is: trackers send numbers, too. Null for a list or an object."""
    if value is None or type(value) is str:
        return value
    return str(value) if type(value) in (int, float) else None


_ANYTHING = str | int | float | bool | list[msgspec.Raw] | dict[str, msgspec.Raw] | None
_DECODER = compile_decoder(
    PageView,
    reads=("utm_source", "user_custom_id", "event_timestamp", "page_url_path"),
    adds=("source_category", "user_email_domain"),
    sent_as=dict.fromkeys(("utm_source", "user_custom_id"), _ANYTHING),
)
read_view = _DECODER.read
"""Returns the page view; raises `InvalidEvent`."""
COLUMNS = _DECODER.reads | _DECODER.adds
"""What tables can count of a page view, whatever the UTM sources are."""


def source_enrichment(
    sources: Mapping[str, str], omits: frozenset[str] = frozenset()
) -> EnrichStage[PageView]:
    """Return the stage, whose decoder reads only what it and its tables need; `omits` do not go out."""
    return EnrichStage("source-category", _DECODER, SourceCategorizer(sources), omits)
