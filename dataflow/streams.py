"""Streams: binds topics of the catalogue to the app, as agents and tables read and write them."""

from functools import cache

from dataflow.app import app
from dataflow.catalogue.declared import STREAMS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.topic import BatchTopic

_COUNTED = {stream.topic: stream for stream in STREAMS if stream.columns}


@cache
def batch_topic(topic: DeclaredTopic) -> BatchTopic:
    """Return a topic in record batches; of a stream's source the tables count by the stream's event time."""
    stream = _COUNTED.get(topic.name)
    if stream is None:
        return app.batches(topic.name)
    return app.batches(topic.name, event_time=stream.event_time, columns=stream.columns)
