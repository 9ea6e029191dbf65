"""Source category: which kind of marketing brought a visitor; a page view in, its category out."""

from collections.abc import Mapping

from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.splice import Added
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.utm_sources import normal_source
from models.page_view import PageView

OTHER = "other/unknown"
NO_DOMAIN = "n/a"


def source_category(utm_source: str | None, sources: Mapping[str, str]) -> str | None:
    """Return the category of a UTM source, given `load_utm_sources`.

    None if the source is missing, null or blank; `OTHER` if it is not in the map.
    """
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
        """Return the fields ``source_category`` and ``user_email_domain`` of a page view.

        A field with nothing to say is not added.
        """
        return self._added[view.utm_source, user_email_domain(view.user_custom_id)]

    def _added_of(self, key: tuple[str | None, str | None]) -> Added:
        utm_source, domain = key
        category = source_category(utm_source, self._sources)
        fields = {"source_category": category, "user_email_domain": domain}
        return Added(**{name: value for name, value in fields.items() if value is not None})


_DECODER = compile_decoder(
    PageView,
    reads=("utm_source", "user_custom_id", "event_timestamp", "page_url_path"),
    adds=("source_category", "user_email_domain"),
)
COLUMNS = _DECODER.reads | _DECODER.adds
"""What tables can count of a page view, whatever the UTM sources are."""


def source_enrichment(
    sources: Mapping[str, str], omits: frozenset[str] = frozenset()
) -> EnrichStage[PageView]:
    """Return the stage, whose decoder reads only what it and its tables need.

    `omits` are fields of the page view that do not go out.
    """
    return EnrichStage("source-category", _DECODER, SourceCategorizer(sources), omits)
