"""Envelopes: what collectors send or store at once becomes one line for each entry."""

import json

import pytest

from dataflow.sources.record_lines import begins_in_records, record_lines

LINE = '192.0.2.9 - - [17/May/2015:10:05:03 +0000] "GET /{} HTTP/1.1" 200 5 "-" "a\\"]}}[{{"'
A, B, C = LINE.format("a"), LINE.format("b"), LINE.format("c")
HEC = [{"time": 15.5, "host": "web1", "event": A}, {"event": B}]
SUBSCRIPTION = {
    "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/g", "logStream": "s",
    "subscriptionFilters": ["f"], "logEvents": [{"id": "3", "timestamp": 15, "message": A}, {"message": B}],
}  # fmt: skip
RESOURCE = {"attributes": [{"key": "a", "value": {"arrayValue": {"values": [{"stringValue": "]}"}]}}}]}
RECORDS = [{"timeUnixNano": "15", "body": {"stringValue": A}}, {"body": {"stringValue": B}}]
SCOPE_LOGS = {"scope": {"name": "x"}, "logRecords": RECORDS, "schemaUrl": "https://s.example"}
TELEMETRY = {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [SCOPE_LOGS], "schemaUrl": "x"}]}
STREAM = {"stream": {"job": "a", "host": "web1"}, "values": [["15", A], ["16", B, {"trace": "x"}]]}
LOKI_LINES = [{"time": "15", "line": A}, {"time": "16", "line": B}]
BODIES = [
    pytest.param([{"streams": [STREAM]}], LOKI_LINES, id="loki"),
    pytest.param([{"streams": [STREAM, dict(reversed(STREAM.items()))]}], LOKI_LINES * 2, id="loki_order"),
    pytest.param([{"streams": []}, {"streams": [{"stream": {}, "values": []}]}], [], id="loki_empty"),
    pytest.param([SUBSCRIPTION], SUBSCRIPTION["logEvents"], id="cloudwatch_logs"),
    pytest.param([SUBSCRIPTION] * 3, SUBSCRIPTION["logEvents"] * 3, id="cloudwatch_logs_by_firehose"),
    pytest.param(
        [SUBSCRIPTION | {"policyLevel": "ACCOUNT_LEVEL_POLICY"}] * 2,
        SUBSCRIPTION["logEvents"] * 2,
        id="account",
    ),
    pytest.param([{"events": RECORDS, "nextToken": "f/1"}], RECORDS, id="aws_logs"),
    pytest.param([TELEMETRY], RECORDS, id="opentelemetry"),
    pytest.param([{"resourceLogs": [{"scopeLogs": [{"logRecords": RECORDS}]}]}], RECORDS, id="otel_bare"),
    pytest.param([[{"common": {"attributes": {"a": 1}}, "logs": RECORDS}]], RECORDS, id="new_relic"),
    pytest.param([{"lines": [{"line": A}]}], [{"line": A}], id="logdna"),
    pytest.param(HEC, HEC, id="splunk"),
    pytest.param([{"log": {"message": C}}, *HEC], [{"log": {"message": C}}, *HEC], id="nested"),
]


def lines(raw: bytes, size: int) -> list[object]:
    """Return what a body, or file, that comes in such pieces has in its lines."""
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    return [json.loads(line) for line in b"".join(record_lines(pieces, 1 << 20)).split(b"\n") if line]


@pytest.mark.parametrize("size", [1, 7, 100, 10**6])
@pytest.mark.parametrize("between", ["", "\n"])
@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize(("sent", "entries"), BODIES)
def test_each_entry_of_an_envelope_is_a_line(sent, entries, indent, between, size):
    """All of an envelope was one dead letter, or one for each line where it was written with indents."""
    raw = between.join(json.dumps(each, indent=indent) for each in sent).encode()
    assert lines(raw, size) == entries


@pytest.mark.parametrize(("sent", "_entries"), BODIES)
@pytest.mark.parametrize("indent", [None, 4])
def test_an_envelope_is_known_by_its_begin(sent, _entries, indent):
    """Also objects in one line, which Splunk's collector takes, and Firehose writes to S3."""
    assert begins_in_records("".join(json.dumps(each, indent=indent) for each in sent).encode())


@pytest.mark.parametrize(
    "begin",
    [
        {"stream": "stdout", "log": A},
        {"resource": {"type": "x"}, "httpRequest": {}},
        {"events": 5},
        {"owner": "x", "logs": None},
        {"values": "a"},
        {"events": [], "ip": "192.0.2.9"},
        {"stream": "stdout", "logs": [], "log": A},
    ],
)
def test_an_object_that_begins_like_an_envelope_is_an_entry(begin):
    """Docker's and Google Cloud's have these keys, too. One with an empty array lost its begin."""
    raw = json.dumps(begin).encode() + b"\n"
    assert not begins_in_records(raw) or lines(raw * 2, 5) == [begin] * 2
    assert lines(json.dumps([begin, {"log": B}]).encode(), 5) == [begin, {"log": B}]


@pytest.mark.parametrize(
    "rest",
    [b'["a","b"]]', b'["15",5]]', b'["15"', b'["16","b",{"c"d":"e"}]]},{"values":[["17","f"]]}]}'],
)
def test_what_is_no_entry_is_passed_on(rest):
    """It becomes a dead letter, and is not left out."""
    raw = b'{"streams":[{"stream":{},"values":[["15","a"],' + rest
    assert b"".join(record_lines(iter([raw]), 1 << 20)) == b'{"time":"15","line":"a"}\n' + rest


@pytest.mark.parametrize("size", [1, 100, 10**6])
@pytest.mark.parametrize("between", [b"", b"\n"])
def test_what_is_not_known_of_an_envelope_ends_with_it(between: bytes, size: int):
    """All that followed was one dead letter, or one for each envelope; now only these keys are."""
    envelope = b'{"streams":[{"values":[["15","a"]],"y":{"z":["]}"]},"x":1}],"count":2}'
    raw = between.join([envelope] * 3)
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    entry = [b'{"time":"15","line":"a"}', b'"y":{"z":["]}"]},"x":1}', b'"count":2}']
    assert b"".join(record_lines(pieces, 1 << 20)).split() == entry * 3
