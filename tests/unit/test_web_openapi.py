"""The OpenAPI document without a worker: what is told of one route, whatever the others are."""

import json

from dataflow.web.openapi import document
from dataflow.web.routes import ALL


def test_a_route_that_needs_no_kafka_is_not_said_to_wait_for_it():
    """All routes behind the first one that changes something were."""
    told = json.loads(document(ALL))["paths"]
    assert "503" not in told["/metrics"]["get"]["responses"]
    assert told["/audit"]["get"]["responses"]["503"]["description"] == "Kafka is away"
