"""Line stages: the name of a stage in, the function that runs it on lines out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataflow.engine.lone_surrogates import replace_lone_surrogates
from dataflow.errors import Misconfigured
from dataflow.stages import access_log, datastream2
from dataflow.stages.filter_document import load_document
from dataflow.stages.source_category import DEFAULT_UTM_SOURCES, load_utm_sources, source_enrichment
from dataflow.stages.stay_category import STAY_CATEGORY

LineStage = Callable[[bytes], list[bytes]]
"""Returns the lines that result from one line: none if it is dropped on purpose.
`InvalidEvent` makes it a dead letter."""


@dataclass(frozen=True, slots=True)
class StageOptions:
    """Options of the stages; each uses those it needs."""

    rules: Path | None = None
    format: str | None = None
    zone: str | None = None
    geoip_city: Path | None = None
    geoip_asn: Path | None = None
    utm_sources: Path = DEFAULT_UTM_SOURCES


def _filter(options: StageOptions) -> LineStage:
    if options.rules is None:
        raise Misconfigured("rule file is not given; expected --rules FILE")
    dropped_by = load_document(options.rules).dropped_by
    return _json_stage(lambda raw: [] if isinstance(dropped_by(raw), str) else [raw])


def _source_category(options: StageOptions) -> LineStage:
    enrich = source_enrichment(load_utm_sources(options.utm_sources))
    return _json_stage(lambda raw: [enrich(raw)])


def _json_stage(stage: LineStage) -> LineStage:
    return lambda raw: stage(replace_lone_surrogates(raw))


LINE_STAGES: Mapping[str, Callable[[StageOptions], LineStage]] = {
    "filter": _filter,
    "stay-category": lambda _: _json_stage(lambda raw: [STAY_CATEGORY(raw)]),
    "source-category": _source_category,
    "access-log": lambda options: access_log.line_stage(
        options.format, options.geoip_city, options.geoip_asn, options.zone
    ),
    "datastream2": lambda _: datastream2.line_stage(),
}
"""What ``dataflow apply`` can run, by name."""
