"""Streams over HTTP: each event in one place."""

from harness.web_events import BESIDE_SAMPLES, SENT


def test_every_event_that_came_in_is_in_one_place(worker):
    """What cannot be used is dead-lettered, the rest sent on: the balance is even."""
    streams = worker.get("/streams").json["streams"]
    assert {stream: streams[stream] for stream in SENT} == {
        stream: {
            "received": count,
            "sent": count - unusable,
            "dropped": 0,
            "dead_lettered": unusable,
        }
        for stream, count in SENT.items()
        for unusable in [0 if stream == "cdn-logs" else len(BESIDE_SAMPLES[stream])]
    }


def test_details_say_why(worker):
    """By rule and by reason, and they add up."""
    answer = worker.get("/streams").json
    assert sum(answer["details"]["expedia"]["dead_lettered"].values()) == 5
    assert answer["details"]["raw-web-events"] == {"dropped": {}, "dead_lettered": {"not_an_object": 1}}
    assert answer["partitions"]["expedia"] == {"answered": [0, 1, 2, 3], "missing": []}
    assert answer["lag"]["expedia"] == {"records": 0, "seconds": 0.0}


def test_a_parameter_is_refused(worker):
    """Nothing that is asked for is passed over in silence."""
    reply = worker.get("/streams?stream=expedia")
    assert (reply.status, reply.json["error"]) == (400, "parameter is 'stream'; expected none here")
