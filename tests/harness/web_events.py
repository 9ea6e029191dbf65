"""What the web tests count: all samples, and beside them what is odd or unusable."""

import json
from urllib.parse import quote

from dataflow.demo.samples import SAMPLE_TOPICS, sample_events

ODD_KEY = '/<script>alert("1")</script>/a b/%2F%/\n../ü·日?#&=;+'
"""An endpoint with all that an address, JSON or HTML could trip over."""

BESIDE_SAMPLES = {
    "cdn-logs": [
        json.dumps({"reqTimeSec": "1431857103.606", "reqPath": quote(ODD_KEY), "statusCode": 200}).encode()
    ],
    "expedia": [b"", b"[]", b"{", b"\xff", b'{"hotel_id": "none"}'],
    "raw-web-events": [b"null"],
}

EVENTS = {stream: [*sample_events(stream), *BESIDE_SAMPLES[stream]] for stream in SAMPLE_TOPICS}
SENT = {stream: len(events) for stream, events in EVENTS.items()}
