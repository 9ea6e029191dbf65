"""Dead letter: an event that could not be used, as topic ``dead-letters`` keeps it."""

import faust


class DeadLetter(faust.Record, include_metadata=False):
    """What the headers of a dead letter say; its key and value are the event's, byte for byte."""

    stage: str
    """Where it failed: name of a stage, ``stay-category``."""
    reason: str
    """Short code of a closed set: `dataflow.errors.Reason`."""
    detail: str
    """What was found and what was expected, for people."""
    topic: str
    """Topic the event came from."""
    partition: int
    """Partition it came from."""
    offset: int
    """Its offset there; with topic and partition it names the event."""
