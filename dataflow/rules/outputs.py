"""Outputs: checks the topics that the outputs of rules name, before a document is put."""

from collections.abc import Mapping

from dataflow.catalogue.declared import OWN_TOPICS, STREAMS
from dataflow.errors import Misconfigured
from dataflow.rules.version import (
    FILTER_RULES_DOCUMENT,
    Authorship,
    Document,
    Version,
    existing_log,
    put_version,
)
from dataflow.stages.filter_document import read_document, topics_of
from dataflow.stages.filter_rules import FilterRules
from dataflow.topics import existing_topics

RESERVED = frozenset(
    {
        *(stream.source.name for stream in STREAMS),
        *(topic.name for topic in OWN_TOPICS),
    }
)
"""Topics with another purpose: lines there would be processed again, or misread."""

OF_KAFKA = "__"
"""So begin topics of Kafka itself: it takes no lines there, and the stream would stop."""


async def check_outputs(connection: Mapping[str, object], rules: FilterRules) -> None:
    """Raise `Misconfigured` for an output whose topic is missing or has another purpose."""
    named = topics_of(rules)
    for topic in sorted(named):
        if topic in RESERVED or topic.startswith(OF_KAFKA) or topic.endswith("-changelog"):
            raise Misconfigured(f"topic of an output is {topic!r}; expected one that nothing else is for")
    if named:
        missing = sorted(named - (await existing_topics(connection)).keys())
        if missing:
            raise Misconfigured(f"topic of an output is {missing[0]!r}; expected one that exists")


async def put_document(
    connection: Mapping[str, object],
    app_id: str,
    document: Document,
    raw: bytes,
    *,
    follows: int | None,
    by: Authorship,
) -> Version:
    """Write the next version, as `put_version` does.

    Raises `Misconfigured` for a bad one, and `DataflowError` if the topic cannot be read.
    """
    document.check(raw, document.name)
    if document is FILTER_RULES_DOCUMENT:
        await check_outputs(connection, read_document(raw, document.name))
    async with existing_log(connection, document):
        pass  # it can be read; to write waits for a leader much longer
    return await put_version(connection, app_id, document, raw, follows, by)
