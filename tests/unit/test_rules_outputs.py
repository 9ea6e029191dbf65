"""Outputs of rules: which topics they may not write to."""

import json

import pytest

from dataflow.errors import Misconfigured
from dataflow.rules.outputs import check_outputs
from dataflow.stages.filter_document import read_document


@pytest.mark.parametrize("topic", ["cdn-logs", "audit-log", "x-changelog", "__consumer_offsets"])
async def test_a_topic_with_a_purpose_of_its_own_is_no_output(topic: str):
    """Kafka refuses lines in its own topics: the stream of CDN logs would have stopped."""
    document = {"rules": [], "outputs": [{"name": "all", "topic": topic, "rules": []}]}
    rules = read_document(json.dumps(document).encode(), "rules")
    with pytest.raises(Misconfigured, match=f"topic of an output is '{topic}'; expected one that nothing"):
        await check_outputs({}, rules)
