"""Outputs: rules in; nothing out if Kafka has the topics that they name, and these may be written to."""

from collections.abc import Mapping

from dataflow.catalogue.declared import STREAMS
from dataflow.catalogue.own_topics import CHANGED_WHILE_IT_RUNS, DEAD_LETTERS_REPLAYED, EVENTS_SIMULATION
from dataflow.errors import Misconfigured
from dataflow.stages.filter_document import topics_of
from dataflow.stages.filter_rules import FilterRules
from dataflow.topics import existing_topics

TAKEN = frozenset(
    {
        *(stream.source.name for stream in STREAMS),
        *(topic.name for topic in (*CHANGED_WHILE_IT_RUNS, DEAD_LETTERS_REPLAYED, EVENTS_SIMULATION)),
    }
)
"""Lines there would go in a circle, or be taken for something else."""


async def check_outputs(connection: Mapping[str, object], rules: FilterRules) -> None:
    """Raise `Misconfigured` for an output whose topic is missing, or is not for lines."""
    named = topics_of(rules)
    for topic in sorted(named):
        if topic in TAKEN or topic.endswith("-changelog"):
            raise Misconfigured(f"topic of an output is {topic!r}; expected one that nothing else is for")
    if named:
        missing = sorted(named - (await existing_topics(connection)).keys())
        if missing:
            raise Misconfigured(f"topic of an output is {missing[0]!r}; expected one that exists")
