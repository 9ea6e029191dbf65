"""Ingest, asked by curl with every option that a sender may use; what it was told is held against Kafka."""

import gzip
import json
import sys
import zlib
from http import HTTPStatus

import pytest
from sources.senders import Ingest, curl

from dataflow.demo.samples import sample_events

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "identity": bytes}


def lines_with(mark: bytes, count: int) -> list[bytes]:
    """Return so many different lines."""
    return sorted(b'{"reqId":"%b-%d"}' % (mark, number) for number in range(count))


@pytest.mark.parametrize("encoding", PACKERS)
def test_lines_are_in_kafka_when_the_answer_says_so(ingest: Ingest, mark: bytes, encoding: str):
    """Packed in any way."""
    lines = lines_with(mark, 100)
    answer = ingest.post(
        "/ingest", PACKERS[encoding](b"\n".join(lines)), "-H", f"Content-Encoding: {encoding}"
    )
    assert (answer.status, answer.json) == (200, {"accepted": 100, "dead_lettered": 0})
    assert ingest.values("cdn-logs", mark) == lines


def test_a_chunked_body_is_read(ingest: Ingest, mark: bytes):
    """A sender that packs while it sends does not know how long it will be."""
    answer = ingest.post("/ingest", b"\n".join(lines_with(mark, 5)), "-H", "Transfer-Encoding: chunked")
    assert answer.json["accepted"] == 5


@pytest.mark.parametrize("form", [b"%b", b"[%b]", b" [ %b ]\n", b"%b\n\n"])
def test_one_object_in_any_form(ingest: Ingest, mark: bytes, form: bytes):
    """Alone, in an array, with a line end."""
    line = b'{"reqId" : "%b", "x":1.50}' % mark
    assert ingest.post("/ingest", form % line).json == {"accepted": 1, "dead_lettered": 0}
    assert ingest.values("cdn-logs", mark) == [line]


def test_an_object_over_several_lines_is_one(ingest: Ingest, mark: bytes):
    """As an editor writes it."""
    text = json.dumps({"reqId": mark.decode(), "bytes": "1"}, indent=2).encode()
    assert ingest.post("/ingest", text).json["accepted"] == 1
    assert ingest.values("cdn-logs", mark) == [text]


def test_an_array_is_taken_apart(ingest: Ingest, mark: bytes):
    """One event for each element."""
    lines = lines_with(mark, 250)
    assert ingest.post("/ingest", b"[" + b",\n".join(lines) + b"]").json["accepted"] == 250
    assert ingest.values("cdn-logs", mark) == lines


@pytest.mark.parametrize("between", [b" ", b"\t"])
def test_structured_lines_become_json(ingest: Ingest, mark: bytes, between: bytes):
    """By the field order of the setting."""
    line = between.join([b"12345", mark, b"Mozilla%2F5.0"])
    assert ingest.post("/ingest", line + b"\n").json["accepted"] == 1
    assert [json.loads(value) for value in ingest.values("cdn-logs", mark)] == [
        {"cp": "12345", "reqId": mark.decode(), "UA": "Mozilla%2F5.0"}
    ]


@pytest.mark.parametrize("ping", [b'{"access_validation":true}', b"0,access_validation"])
def test_the_validation_ping_is_answered_and_kept_out(ingest: Ingest, ping: bytes):
    """Akamai saves no stream without it."""
    answer = ingest.post("/ingest", ping)
    assert (answer.status, answer.json) == (200, {"accepted": 0, "dead_lettered": 0})
    assert ingest.read("cdn-logs", b"access_validation") == []
    assert ingest.read("dead-letters", b"access_validation") == []


def test_a_broken_line_goes_to_the_dead_letters_and_the_rest_goes_on(ingest: Ingest, mark: bytes):
    """And it says why, where it was to go, and who sent it."""
    good, bad = b'{"reqId":"%b"}' % mark, b"garbage %b of another kind" % mark
    answer = ingest.post("/ingest", b"\n".join([good, bad, good]), "-H", "X-Forwarded-For: 198.51.100.7")
    assert (answer.status, answer.json) == (200, {"accepted": 2, "dead_lettered": 1})
    (letter,) = ingest.read("dead-letters", mark)
    headers = dict(letter.headers)
    assert letter.value == bad
    assert headers["dataflow-stage"] == b"ingest"
    assert headers["dataflow-reason"] == b"unparsable"
    assert headers["dataflow-topic"] == b"cdn-logs"
    assert headers["dataflow-sender"] == b"127.0.0.1"
    assert headers["dataflow-forwarded-for"] == b"198.51.100.7"


def test_a_body_of_garbage_is_refused_before_anything_is_stored(ingest: Ingest, mark: bytes):
    """154 bytes of gzip made 60,000 dead letters, which stopped the stream; a few are dead letters still."""
    garbage = gzip.compress(b"a %b\n" % mark * 60_000)
    answer = ingest.post("/ingest/access-logs", garbage, "-H", "Content-Encoding: gzip")
    assert answer.status == 400
    assert "expected an address" in answer.json["error"]
    assert "Stored are 0 lines" in answer.json["error"]
    assert ingest.read("access-logs", mark) == []
    assert ingest.post("/ingest/access-logs", b"a %b\n" % mark * 3).json == {
        "accepted": 3,
        "dead_lettered": 0,
    }


def test_a_line_too_large_for_the_broker_is_a_dead_letter(ingest: Ingest, mark: bytes):
    """It would hold up all others."""
    big = b'{"reqId":"%b","x":"%b"}' % (mark, b"x" * 1_100_000)
    answer = ingest.post("/ingest", big + b'\n{"reqId":"%b"}' % mark)
    assert answer.json == {"accepted": 1, "dead_lettered": 1}
    (letter,) = ingest.read("dead-letters", mark)
    assert letter.value == big
    assert dict(letter.headers)["dataflow-reason"] == b"too_large"


def test_a_line_as_large_as_the_broker_takes_goes_through(ingest: Ingest, mark: bytes):
    """Just under the bound of a topic, in a batch of its own."""
    big = b'{"reqId":"%b","x":"%b"}' % (mark, b"x" * 1_000_000)
    assert ingest.post("/ingest", big).json == {"accepted": 1, "dead_lettered": 0}
    assert ingest.values("cdn-logs", mark) == [big]


def test_access_log_lines_keep_who_sent_them(ingest: Ingest, mark: bytes):
    """Any text is a line; address and X-Forwarded-For stand in headers."""
    lines = [b'1.2.3.4 - - [x] "GET /%b" 200 1' % mark, b'"\x16\x03\x01 %b' % mark]
    answer = ingest.post("/ingest/access-logs", b"\r\n".join(lines), "-H", "X-Forwarded-For: 198.51.100.7")
    assert answer.json == {"accepted": 2, "dead_lettered": 0}
    read = ingest.read("access-logs", mark)
    assert sorted(one.value for one in read) == sorted(lines)
    assert {tuple(one.headers) for one in read} == {
        (("dataflow-sender", b"127.0.0.1"), ("dataflow-forwarded-for", b"198.51.100.7"))
    }


@pytest.mark.parametrize(("stream", "topic"), [("web-events", "raw-web-events"), ("bookings", "expedia")])
@pytest.mark.parametrize("form", [b"%b\n%b", b"[%b, %b]"])
def test_other_streams_go_to_their_topics(ingest: Ingest, mark: bytes, stream: str, topic: str, form: bytes):
    """In the same forms, packed or not."""
    lines = lines_with(mark, 2)
    packed = gzip.compress(form % tuple(lines))
    answer = ingest.post(f"/ingest/{stream}", packed, "-H", "Content-Encoding: gzip")
    assert answer.json == {"accepted": 2, "dead_lettered": 0}
    assert ingest.values(topic, mark) == lines


def test_all_of_the_sample_goes_through(ingest: Ingest):
    """9,999 real lines, in one body."""
    lines = sample_events("cdn-logs")
    body = gzip.compress(b"\n".join(lines))
    assert ingest.post("/ingest", body, "-H", "Content-Encoding: gzip").json["accepted"] == len(lines)


def test_an_empty_body_is_no_fault(ingest: Ingest):
    """There was nothing to log."""
    assert ingest.post("/ingest", b"").json == {"accepted": 0, "dead_lettered": 0}


@pytest.mark.parametrize(
    ("path", "options", "data", "status", "says"),
    [
        ("/ingest/nothing", (), b"x", HTTPStatus.NOT_FOUND, "stream is 'nothing'; expected cdn-logs,"),
        ("/ingest", ("-X", "PUT"), b"x", HTTPStatus.METHOD_NOT_ALLOWED, "expected POST"),
        ("/ingest", ("-H", "Content-Encoding: br"), b"x", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "'br'"),
        ("/ingest", ("-H", "Content-Encoding: gzip"), b"x", HTTPStatus.BAD_REQUEST, "body is not gzip"),
        ("/ingest", (), b"x" * (3 << 20), HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "more than 2097152 bytes"),
    ],
)
def test_what_can_never_be_taken_is_refused(ingest: Ingest, path, options, data, status, says):
    """These are the only 4XX: DataStream does not come again after one."""
    answer = ingest.post(path, data, *options)
    assert answer.status == status
    assert says in answer.error


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_refused(ingest: Ingest, encoding: str):
    """64 MiB in a few kilobytes, where 8 MiB are the bound."""
    bomb = PACKERS[encoding](b'{"a":1}\n' * (8 << 20))
    answer = ingest.post("/ingest", bomb, "-H", f"Content-Encoding: {encoding}")
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "once unpacked" in answer.error


def test_a_broken_body_stores_nothing(ingest: Ingest, mark: bytes):
    """The sender was told 400; half of its lines would be there twice when it mends it."""
    packed = gzip.compress(b"\n".join(lines_with(mark, 60_000)))
    assert ingest.post("/ingest", packed[:-100], "-H", "Content-Encoding: gzip").status == 400
    assert ingest.read("cdn-logs", mark) == []


def test_a_worker_that_only_receives_has_no_group(ingest: Ingest):
    """Any number of them may come and go without a rebalance."""
    assert ingest.groups() == []
    assert curl(ingest.url("/readyz")).json == {"ready": True, "paused": {}}
    assert curl(ingest.url("/healthz")).json == {"healthy": True}


@pytest.mark.parametrize("form", ['{"records":[%s]}', "[%s]", '\ufeff{ "records":\n[\n%s\n]\n}\n'])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_records_of_azure_are_taken_apart(ingest: Ingest, mark: bytes, form: str, encoding: str):
    """Azure Monitor, Vercel and Netlify send many entries of a log at once."""
    line = (
        '{"time":"2023-05-17T10:05:03Z","x":"%s-%d",'
        '"properties":{"clientIp":"192.0.2.1","httpStatusCode":200}}'
    )
    lines = [line % (mark.decode(), number) for number in range(1_000)]
    body = (form % ",\n".join(lines)).encode()
    answer = ingest.post(
        "/ingest/access-logs", PACKERS[encoding](body), "-H", f"Content-Encoding: {encoding}"
    )
    assert (answer.status, answer.json) == (200, {"accepted": 1_000, "dead_lettered": 0})
    assert sorted(ingest.values("access-logs", mark)) == sorted(line.encode() for line in lines)
