"""Streams: binds topics of the catalogue to the app, as agents and tables read and write them."""

from functools import cache

from dataflow.app import app
from dataflow.catalogue.declared import STREAMS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.topic import BatchTopic

_EVENT_TIMES = {stream.topic: stream.event_time for stream in STREAMS}


@cache
def batch_topic(topic: DeclaredTopic) -> BatchTopic:
    """Return a topic in record batches; of a stream's source the tables count by the stream's event time."""
    return app.batches(topic.name, event_time=_EVENT_TIMES.get(topic.name))
