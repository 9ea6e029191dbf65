"""Live rules: the followers of the filter rules and the UTM sources, for the agents of a worker."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.catalogue.streams.page_views import RAW_WEB_EVENTS
from dataflow.engine.dead_letters import PREFIX
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.stage import FilterStage
from dataflow.engine.topic_inspector import TopicInspector
from dataflow.rules.follower import Dependents, Follower
from dataflow.rules.version import FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT, Document, Version
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
    settings: Settings, connection: Mapping[str, object], inspector: TopicInspector
) -> FilterRulesFollower:
    """Return the follower of the filter rules; `inspector` is told of the topics that a version writes to."""
    follower = Follower(
        FILTER_RULES_DOCUMENT,
        connection,
        settings.app_id,
        compile=_cdn_filter,
        seed=lambda: _content_of(settings.filter_rules),
        prepare=lambda cdn_filter: inspector.add_outputs(cdn_filter.topics),
    )
    follower.dependents = _dependents(inspector, CDN_LOGS.name, FILTER_RULES_DOCUMENT)
    return follower


def follow_utm_sources(
    settings: Settings, connection: Mapping[str, object], inspector: TopicInspector
) -> UtmSourcesFollower:
    """Return the follower of the UTM sources."""
    omitted = frozenset(settings.drop_web_fields)

    def enrichment(version: Version) -> EnrichStage[PageView]:
        sources = read_utm_sources(version.raw, f"UTM sources {version.number}")
        return source_enrichment(sources, omits=omitted)

    follower = Follower(
        UTM_SOURCES_DOCUMENT,
        connection,
        settings.app_id,
        compile=enrichment,
        seed=lambda: _content_of(settings.utm_sources),
    )
    follower.dependents = _dependents(inspector, RAW_WEB_EVENTS.name, UTM_SOURCES_DOCUMENT)
    return follower


def _dependents(inspector: TopicInspector, stream: str, document: Document) -> Dependents:
    """Return how the one stream is held that needs a document."""
    hold = partial(inspector.hold, stream, document.topic, document.partition)
    return Dependents(hold, partial(inspector.release, stream))


def _cdn_filter(version: Version) -> CdnFilter:
    rules = read_document(version.raw, f"filter rules {version.number}")
    # Before the first version there are no rules that could let anything pass.
    header = (RULES_HEADER, b"%d" % version.number) if version.number else None
    return CdnFilter(request_filter(rules, header), topics_of(rules))


def _content_of(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
