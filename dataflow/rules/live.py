"""Live: the filter rules and UTM sources of this worker, kept up to date for its agents."""

from pathlib import Path
from typing import NamedTuple

from dataflow.app import app
from dataflow.connection import broker_connection
from dataflow.engine.dead_letters import PREFIX
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.filter_stage import FilterStage
from dataflow.rules.documents import FILTER_RULES_DOCUMENT, UTM_SOURCES_DOCUMENT
from dataflow.rules.follower import Follower
from dataflow.rules.version import Version
from dataflow.settings import Role, settings
from dataflow.stages.filter_document import read_document, topics_of
from dataflow.stages.request import Request
from dataflow.stages.request_filter import request_filter
from dataflow.stages.source_category import source_enrichment
from dataflow.stages.utm_sources import read_utm_sources
from models.page_view import PageView

STAMP = PREFIX + "rules"
"""Header of what has passed the filter: the version of the rules that let it."""


class CdnFilter(NamedTuple):
    """One version of the filter rules, ready to run."""

    filtering: FilterStage[Request]
    topics: frozenset[str]
    """Those of its outputs, if it names any."""


def _cdn_filter(version: Version) -> CdnFilter:
    rules = read_document(version.raw, f"filter rules {version.number}")
    # Before the first version there are no rules that could let anything pass.
    header = (STAMP, b"%d" % version.number) if version.number else None
    return CdnFilter(request_filter(rules, header), topics_of(rules))


async def _learn_outputs(cdn_filter: CdnFilter) -> None:
    await app.engine.add_outputs(cdn_filter.topics)


def _enrichment(version: Version) -> EnrichStage[PageView]:
    sources = read_utm_sources(version.raw, f"UTM sources {version.number}")
    return source_enrichment(sources, omits=frozenset(settings().drop_web_fields))


def _text_of(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


_connection = broker_connection(settings())

filter_rules = Follower(
    FILTER_RULES_DOCUMENT,
    _connection,
    settings().app_id,
    compile=_cdn_filter,
    seed=lambda: _text_of(settings().filter_rules),
    prepare=_learn_outputs,
)
utm_sources = Follower(
    UTM_SOURCES_DOCUMENT,
    _connection,
    settings().app_id,
    compile=_enrichment,
    seed=lambda: _text_of(settings().utm_sources),
)

if settings().role in (Role.ALL, Role.ENRICH):
    # Children that are added before the start begin before all others: no batch comes before its rules.
    app.add_dependency(filter_rules)
    app.add_dependency(utm_sources)
