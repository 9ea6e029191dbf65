"""Live rules: the followers of the filter rules and the UTM sources, for the agents of a worker."""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from dataflow.engine.dead_letters import PREFIX
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.stage import FilterStage
from dataflow.rules.follower import Follower
from dataflow.rules.version import FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT, Version
from dataflow.settings import Settings
from dataflow.stages.filter_document import read_document, topics_of
from dataflow.stages.filter_rules import request_filter
from dataflow.stages.request import Request
from dataflow.stages.source_category import read_utm_sources, source_enrichment
from models.page_view import PageView

RULES_HEADER = PREFIX + "rules"  # header of lines that have passed the filter: the version of the rules


class CdnFilter(NamedTuple):
    """One version of the filter rules, ready to run."""

    stage: FilterStage[Request]
    topics: frozenset[str]
    """Those of its outputs, if it names any."""


FilterRulesFollower = Follower[CdnFilter]
UtmSourcesFollower = Follower[EnrichStage[PageView]]


def follow_filter_rules(
    settings: Settings,
    connection: Mapping[str, object],
    add_outputs: Callable[[AbstractSet[str]], Awaitable[None]],
) -> FilterRulesFollower:
    """Return the follower of the filter rules; `add_outputs` gets the topics that a version writes to."""
    return Follower(
        FILTER_RULES_DOCUMENT,
        connection,
        settings.app_id,
        compile=_cdn_filter,
        seed=lambda: _content_of(settings.filter_rules),
        prepare=lambda cdn_filter: add_outputs(cdn_filter.topics),
    )


def follow_utm_sources(settings: Settings, connection: Mapping[str, object]) -> UtmSourcesFollower:
    """Return the follower of the UTM sources."""
    omitted = frozenset(settings.drop_web_fields)

    def enrichment(version: Version) -> EnrichStage[PageView]:
        sources = read_utm_sources(version.raw, f"UTM sources {version.number}")
        return source_enrichment(sources, omits=omitted)

    return Follower(
        UTM_SOURCES_DOCUMENT,
        connection,
        settings.app_id,
        compile=enrichment,
        seed=lambda: _content_of(settings.utm_sources),
    )


def _cdn_filter(version: Version) -> CdnFilter:
    rules = read_document(version.raw, f"filter rules {version.number}")
    # Before the first version there are no rules that could let anything pass.
    header = (RULES_HEADER, b"%d" % version.number) if version.number else None
    return CdnFilter(request_filter(rules, header), topics_of(rules))


def _content_of(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
