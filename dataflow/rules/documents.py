"""Documents: the filter rules and the UTM sources, each with its topic and its check."""

from dataflow.catalogue.own_topics import FILTER_RULES, UTM_SOURCES
from dataflow.rules.version import Document
from dataflow.stages.filter_document import read_document
from dataflow.stages.utm_sources import DEFAULT_UTM_SOURCES, read_utm_sources

FILTER_RULES_DOCUMENT = Document(FILTER_RULES.name, "filter rules", read_document, b"[]")
UTM_SOURCES_DOCUMENT = Document(
    UTM_SOURCES.name, "UTM sources", read_utm_sources, DEFAULT_UTM_SOURCES.read_bytes()
)
