"""A topic that refuses records over HTTP: its senders are told why, those of other topics never notice."""

import time
from collections.abc import Callable

import pytest
from confluent_kafka.admin import ResourceType
from harness.altered import altered
from sources.senders import Ingest

from dataflow.sources.ingest_producer import REFUSED_SECONDS

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

REFUSED, OTHER = "/ingest/access-logs", "/ingest"
LINE = b'192.0.2.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5\n'


def test_a_topic_that_refuses_concerns_its_senders_alone(own_ingest: Callable[..., Ingest], mark: bytes):
    """Each refusal cost all senders their producer, so that most were told that Kafka is away.

    Records without a key are refused by a topic that somebody has made a compacted one.
    """
    ingest = own_ingest()
    assert ingest.post(REFUSED, LINE).status == 200
    sent = 0
    with altered(
        ingest.cluster.broker.address, ResourceType.TOPIC, "access-logs", {"cleanup.policy": "compact"}
    ):
        until = time.monotonic() + 2 * REFUSED_SECONDS
        while time.monotonic() < until or not sent:
            refused = ingest.post(REFUSED, LINE)
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
            assert refused.error.startswith("topic access-logs has refused events: ")
            assert ingest.post(OTHER, b'{"reqId":"%s"}\n' % mark).status == 200
            sent += 1
    deadline = time.monotonic() + 60
    while (answer := ingest.post(REFUSED, LINE)).status != 200:
        assert time.monotonic() < deadline, answer
    assert len(ingest.read("cdn-logs", mark)) == sent
    assert ingest.worker.said().count("Broker has refused record batches.") <= 4
