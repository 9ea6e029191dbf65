"""Access log lines as collectors of logs store them: whose prefix is taken off, and what stays of it."""

import json

import pytest

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log import line_stage
from dataflow.stages.access_log.usual_formats import parse

BEHIND = '[17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "UA"'
LINE = f"192.0.2.9 - - {BEHIND}"
CRI_TIME = "2020-02-07T11:48:51.123456789Z"


def read(line: str) -> dict[str, object]:
    """Return what the stage makes of a line."""
    [entry] = line_stage(None, None, None)(line.encode())
    return json.loads(entry)


@pytest.mark.parametrize(
    ("line", "host", "time"),
    [
        (f"{CRI_TIME} stdout F {LINE}", None, CRI_TIME),
        (f"2020-02-07T12:48:51.1+01:00 stderr F {LINE}", None, "2020-02-07T12:48:51.1+01:00"),
        (f"{CRI_TIME} {LINE}", None, CRI_TIME),
        (json.dumps({"log": f"{LINE}\n", "stream": "stdout", "time": CRI_TIME}), None, CRI_TIME),
        (json.dumps({"log": f"{LINE}\n", "attrs": {"tag": "a"}, "time": CRI_TIME}), None, CRI_TIME),
        (f"Feb 17 11:48:51 web1 nginx: {LINE}", "web1", "Feb 17 11:48:51"),
        (f"Feb  7 11:48:51 web1 nginx[12]: {LINE}", "web1", "Feb  7 11:48:51"),
        (f"<190>Feb  7 11:48:51 web1.example httpd: {LINE}", "web1.example", "Feb  7 11:48:51"),
        (f"<190>Feb  7 11:48:51 2001:db8::1 nginx: {LINE}", "2001:db8::1", "Feb  7 11:48:51"),
        (f"<190>Feb  7 11:48:51 nginx: {LINE}", None, "Feb  7 11:48:51"),
        (f"2020-02-07T11:48:51+00:00 web1 nginx[1]: {LINE}", "web1", "2020-02-07T11:48:51+00:00"),
        (f"<165>1 {CRI_TIME} web1 nginx 12 - - {LINE}", "web1", CRI_TIME),
        (f'<165>1 {CRI_TIME} web1 nginx - ID [e@1 a="b\\"]c"][f@2] \ufeff{LINE}', "web1", CRI_TIME),
        (f"<165>1 - - nginx - - - {LINE}", None, None),
        (f"<134>nginx: {LINE}", None, None),
        (json.dumps({"line": LINE, "source": "stdout", "tag": "web"}), None, None),
        (json.dumps({"event": LINE, "host": "web1", "time": "15"}), "web1", "15"),
        (json.dumps({"message": LINE, "logtag": "F", "time": CRI_TIME}), None, CRI_TIME),
        (f"haproxy[674]: {LINE}", None, None),
        (f"[2020-02-07 11:48:51 +0000] [7] [INFO] {LINE}", None, "2020-02-07 11:48:51 +0000"),
        (f"May 17 10:05:03 web1 nginx[12]: web1 nginx: {LINE}", "web1", "May 17 10:05:03"),
        (json.dumps({"MESSAGE": f"web1 nginx: {LINE}", "_HOSTNAME": "web1"}), "web1", None),
        (f"Feb 7 11:48:51 web1 nginx: {LINE}", "web1", "Feb 7 11:48:51"),
        (f'"{LINE}', None, None),
        (f'"{LINE}"', None, None),
        (LINE.replace('"', '""').join('""'), None, None),
        (f"web-1  | {LINE}", "web-1", None),
        (f"\x1b[36mweb_1  |\x1b[0m {LINE}", "web_1", None),
        (f"{CRI_TIME} app[web.3]: {LINE}", None, CRI_TIME),
        (f"83 <40>1 {CRI_TIME} host app web.3 - {LINE}", "host", CRI_TIME),
        (f"1431857103.250000 web1 nginx[12]: {LINE}", "web1", "1431857103.250000"),
        (f"Sun 2015-05-17 10:05:03 UTC web1 nginx[12]: {LINE}", "web1", "Sun 2015-05-17 10:05:03 UTC"),
        (f"<190>Feb  7 11:48:51 web1 {LINE}", "web1", "Feb  7 11:48:51"),
        (f"web-7d4b9c-x2k9p nginx {LINE}", "web-7d4b9c-x2k9p", None),
        (f"shop \x1b[32mweb-0\x1b[0m \x1b[36mmy-nginx\x1b[0m {CRI_TIME} {LINE}", "web-0", CRI_TIME),
        (f"shop/web-0[nginx]: {LINE}", None, None),
        (f"{CRI_TIME}\tnginx.access\t{json.dumps({'message': LINE})}", None, CRI_TIME),
        (json.dumps({"event": {"line": LINE, "tag": "web"}, "host": "web1", "time": "15"}), "web1", "15"),
        (json.dumps({"event": {"original": LINE}, "@timestamp": CRI_TIME}), None, CRI_TIME),
        (json.dumps({"jsonPayload": {"message": LINE}, "timestamp": CRI_TIME}), None, CRI_TIME),
        (json.dumps({"LogEntry": LINE, "Computer": "node"}), None, None),
        (json.dumps({"LogMessage": LINE}), None, None),
        (json.dumps({"log": LINE, "host": "a\0", "time": "\0"}), r"a\x00", r"\x00"),
        (json.dumps({"msg": " " + LINE, "hostname": "web1", "syslogtag": "nginx:"}), "web1", None),
        (json.dumps({"MESSAGE": LINE, "HOST": "web1", "PROGRAM": "nginx"}), "web1", None),
        (f"{CRI_TIME} web/nginx/5ca1ab1e {LINE}", None, CRI_TIME),
        (json.dumps({"body": {"stringValue": LINE}}), None, None),
        (json.dumps({"preview": False, "result": {"_raw": LINE}}), None, None),
        (f"\x1b[36mweb-1  | \x1b[0m{LINE}", "web-1", None),
        (f"MESSAGE={LINE}", None, None),
        (json.dumps({"MESSAGE": LINE, "_HOSTNAME": "web1", "__REALTIME_TIMESTAMP": "15"}), "web1", "15"),
        (json.dumps({"@timestamp": CRI_TIME, "message": LINE}), None, CRI_TIME),
        (f"214 <165>1 {CRI_TIME} web1 nginx 12 - - {LINE}", "web1", CRI_TIME),
        (f"Feb  7 11:48:51 web1 daemon.info nginx: {LINE}", "web1", "Feb  7 11:48:51"),
        (f"Feb  7 11:48:51 local7.notice nginx[3]: {LINE}", None, "Feb  7 11:48:51"),
        (f"shop_web.1.k2j9@web1    | {LINE}", "web1", None),
        (f"\x1b[2Kweb-1  | {LINE}", "web-1", None),
        (f"[pod/web-1/nginx] {CRI_TIME} {LINE}", "web-1", CRI_TIME),
        (
            json.dumps(
                {"@timestamp": CRI_TIME, "log": {"offset": 7}, "message": LINE, "host": {"name": "web1"}}
            ),
            "web1",
            CRI_TIME,
        ),
        (json.dumps({"message": LINE, "host": "web1", "timestamp": CRI_TIME}), "web1", CRI_TIME),
        (f"{CRI_TIME} 203.0.113.7  {json.dumps({'log': LINE})}", "203.0.113.7", CRI_TIME),
        (f"<134>Feb  7 11:48:51 cache-fra1 {json.dumps({'log': LINE})}", "cache-fra1", "Feb  7 11:48:51"),
        (
            json.dumps({"short_message": LINE, "host": "web1", "timestamp": 1385053862.3}),
            "web1",
            "1385053862.3",
        ),
        (json.dumps({"textPayload": LINE, "timestamp": CRI_TIME}), None, CRI_TIME),
        (
            json.dumps({"MESSAGE": list(LINE.encode()), "_HOSTNAME": "web1", "__REALTIME_TIMESTAMP": "15"}),
            "web1",
            "15",
        ),
        (json.dumps({"log": f"\ufeff{LINE}\r\n", "time": CRI_TIME}), None, CRI_TIME),
        (" " + json.dumps({"log": LINE, "time": {"no": "time"}}), None, None),
        (f"{CRI_TIME} stdout F Feb 17 11:48:51 web1 nginx: {LINE}", "web1", "Feb 17 11:48:51"),
        (f"Feb 17 11:48:51 web1 kubelet: {CRI_TIME} stdout F {LINE}", "web1", CRI_TIME),
        (json.dumps({"log": f"MESSAGE={LINE}", "time": CRI_TIME}), None, CRI_TIME),
    ],
)
def test_the_prefix_of_a_collector_is_taken_off_and_its_host_and_time_are_kept(line, host, time):
    """The server's own line says when and who; the host is the one asked for, or else where it ran."""
    entry = read(line)
    assert {name: entry[name] for name in ("ip", "ts", "endpoint", "status", "host")} == {
        "ip": "192.0.2.9",
        "ts": "2015-05-17T10:05:03Z",
        "endpoint": "/a",
        "status": 200,
        "host": host,
    }
    assert (entry["log_host"], entry["log_time"]) == (host, time)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({"log": "\n"}, Reason.EMPTY),
        ({"log": LINE.replace("/a", "/a\0b")}, Reason.UNPARSABLE),
        ({"log": "\ufeff\n"}, Reason.EMPTY),
        ({"MESSAGE": [300, 7]}, Reason.UNPARSABLE),
    ],
)
def test_what_is_wrapped_is_a_line_like_any_other(stored, reason):
    """An escaped NUL came through, and no database takes one."""
    with pytest.raises(InvalidEvent) as caught:
        read(json.dumps(stored))
    assert caught.value.reason is reason


def test_the_host_that_was_asked_for_wins_over_the_one_that_logged_it():
    """Both are kept."""
    entry = read(f"Feb 17 11:48:51 web1 nginx: www.example.com 192.0.2.9 - - {BEHIND}")
    assert (entry["host"], entry["log_host"]) == ("www.example.com", "web1")


def test_a_plain_line_has_no_further_fields():
    """They would be null on nearly every line."""
    assert not {"log_host", "log_time"} & set(read(LINE))


@pytest.mark.parametrize(
    ("front", "ip", "host"),
    [
        ("192.0.2.7:51234 - -", "192.0.2.7", None),
        ("[2001:db8::7] - -", "2001:db8::7", None),
        ("[2001:db8::7]:443 - -", "2001:db8::7", None),
        ("2001:DB8:0::7 - -", "2001:db8::7", None),
        ("fe80::1%eth0 - -", "fe80::1", None),
        ("::ffff:192.0.2.7 - -", "192.0.2.7", None),
        ("::FFFF:192.0.2.7:51234 - -", "192.0.2.7", None),
        ("::ffff:1234 - -", "::ffff:1234", None),
        ("::FFFF:c000:0207 - -", "192.0.2.7", None),
        ("0:0:0:0:0:ffff:c000:207 - -", "192.0.2.7", None),
        ("UNKNOWN - -", None, None),
        ("client-7.example.net. - -", "client-7.example.net.", None),
        ("unix: - -", None, None),
        ("unknown - -", None, None),
        ("2001:db8::9 192.0.2.9 - -", "192.0.2.9", "2001:db8::9"),
        ("www.example.com 443 192.0.2.9 - -", "192.0.2.9", "www.example.com"),
        ('example.com:80 "198.51.100.22, 10.1.1.1" 192.0.2.185 - -', "192.0.2.185", "example.com"),
        ("192.0.2.1 ident bob smith", "192.0.2.1", None),
        ("192.0.2.1 www.example.com -", "192.0.2.1", "www.example.com"),
        ("192.0.2.1 www.example.com:8080 bob", "192.0.2.1", "www.example.com"),
        ("192.0.2.1 203.0.113.7 -", "192.0.2.1", "203.0.113.7"),
        ("2001:db8::1 [2001:db8::7]:80 bob", "2001:db8::1", "[2001:db8::7]"),
        ("192.0.2.1 localhost -", "192.0.2.1", "localhost"),
        ("203.0.113.7 192.0.2.1 - bob smith", "192.0.2.1", "203.0.113.7"),
        ("203.0.113.7 localhost - -", "localhost", "203.0.113.7"),
        ("203.0.113.7 2001:db8::9, 10.225.192.17 192.0.2.1 - -", "192.0.2.1", "203.0.113.7"),
        ("*.example.com 192.0.2.1 - -", "192.0.2.1", "*.example.com"),
        (".example.com:443 192.0.2.1 - bob", "192.0.2.1", ".example.com"),
        ("198.51.100.7, 10.225.192.17 192.0.2.1 - bob", "192.0.2.1", None),
        ("2001:db8::9, 10.225.192.17 192.0.2.1 - -", "192.0.2.1", None),
        ("www.example.com 192.0.2.1, 10.225.192.17 - -", "192.0.2.1", "www.example.com"),
        ("203.0.113.7:443 pc-1.example.com:5022 - -", "pc-1.example.com", "203.0.113.7"),
    ],
)
def test_address_host_and_port_are_told_apart(front, ip, host):
    """One client is one key, whoever logged it."""
    request = parse(f"{front} {BEHIND}".encode())
    assert (request.ip, request.host) == (ip, host)


@pytest.mark.parametrize(
    "front",
    [
        "89.160.20 - -",
        "0x59.0xa0.0x14.0x70 - -",
        "89.160.20.300 - -",
        "17 - -",
        "foo bar 192.0.2.9 - -",
        "name - 192.0.2.9 - -",
        "level=info client=192.0.2.9 - -",
        "nginx: 192.0.2.9 - -",
        "192.0.2.9 www.example.com - -",
        "192.0.2.9 -> 10.0.0.5:80",
        "192.0.2.9 | bob",
    ],
)
def test_what_is_neither_an_address_nor_a_host_name_is_a_dead_letter(front):
    """A wrong word in the client's place would be a client in every table."""
    with pytest.raises(InvalidEvent) as caught:
        parse(f"{front} {BEHIND}".encode())
    assert caught.value.reason is Reason.UNPARSABLE
    assert caught.value.detail.startswith("client")


@pytest.mark.parametrize(
    "line",
    [
        LINE + " ",
        LINE + " \t",
        LINE.replace("] ", "]  ").replace(" 200", "  200").replace(' "UA"', '  "UA"'),
        LINE.replace(" - - ", "  -  -  "),
        LINE.replace("GET /a", "GET  /a"),
        "\ufeff" + LINE,
        "\0" + LINE,
        "\0" * 1_000_000 + LINE,
        "\0\ufeff" + LINE + "\r\n",
    ],
)
def test_what_surrounds_a_line_does_not_kill_it(line):
    """Jetty doubles spaces; a file begins with a byte order mark; copytruncate leaves a hole."""
    assert parse(line.encode()) == parse(LINE.encode())


def test_a_line_without_a_status_lives():
    """The connection ended before there was one."""
    request = parse(LINE.replace(" 200 ", " - ").encode())
    assert (request.status, request.bytes, request.user_agent) == (None, 5, "UA")


@pytest.mark.parametrize(
    ("written", "ts"),
    [
        ("17/May/2015:12:05:03.456 +0200", "2015-05-17T10:05:03.456Z"),
        ("17/May/2015:10:05:03.4567891 +0000", "2015-05-17T10:05:03.456Z"),
        ("2015-05-17T12:05:03+02:00", "2015-05-17T10:05:03Z"),
        ("2015-05-17T10:05:03.5Z", "2015-05-17T10:05:03.500Z"),
        ("17/May/2015:10:05:03 GMT", "2015-05-17T10:05:03Z"),
        ("17/May/2015:10:05:03.25 UTC", "2015-05-17T10:05:03.250Z"),
        ("17/May/2015:15:35:03 +05:30", "2015-05-17T10:05:03Z"),
    ],
)
def test_fractions_of_a_second_are_kept(written, ts):
    """A record promises milliseconds where its line has them; zones are written in several ways."""
    assert parse(f'192.0.2.9 - - [{written}] "GET /a HTTP/1.1" 200 5'.encode()).ts == ts


def test_a_collector_may_have_taken_the_json_of_a_line_apart():
    """Google Cloud and Filebeat do."""
    sent = {"remote_addr": "192.0.2.9", "status": 200, "time_iso8601": "2015-05-17T10:05:03Z"}
    for stored in ({"jsonPayload": sent, "timestamp": CRI_TIME}, {"json": sent}, {"log_processed": sent}):
        assert read(json.dumps(stored))["ip"] == "192.0.2.9"


@pytest.mark.parametrize("line", ["-- Logs begin at Mon 2020-02-03 10:00:00 UTC. --", "-- Boot 5ca1ab1e --"])
def test_what_journalctl_writes_between_entries_is_no_request(line):
    """It was a dead letter in each of its outputs."""
    assert line_stage(None, None, None)(line.encode()) == []


def test_ambassador_names_its_access_log_before_a_line_of_envoy():
    """Its default is Envoy's, behind a word of its own."""
    entry = read(
        'ACCESS [2019-04-10T03:49:34.451Z] "GET /a HTTP/1.1" 501 - 0 7 180 179 "192.0.2.9" "curl/7.59.0" '
        '"413bf460" "www.example.com" "10.0.0.5:80"'
    )
    assert (entry["ip"], entry["status"], entry["bytes"]) == ("192.0.2.9", 501, 7)


def test_a_line_taken_apart_in_an_event_of_splunk_is_read():
    """A forwarder that decodes JSON sends it so."""
    event = {
        "remote_addr": "192.0.2.9",
        "time_iso8601": CRI_TIME,
        "request": "GET /a HTTP/1.1",
        "status": 200,
    }
    entry = read(json.dumps({"event": event, "host": "web1", "time": 15.5}))
    assert (entry["ip"], entry["endpoint"], entry["log_host"], entry["log_time"]) == (
        "192.0.2.9",
        "/a",
        "web1",
        "15.5",
    )


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        ({"streams": [{"stream": {}, "values": [["1", LINE]]}]}, "several records in one event"),
        ({"resourceLogs": [{"scopeLogs": []}]}, "several records in one event"),
        ({"messageType": "DATA_MESSAGE", "owner": "1", "logEvents": []}, "several records in one event"),
        ({"requestId": "1", "timestamp": 15, "records": [{"data": "MTky"}]}, "Amazon Data Firehose"),
    ],
)
def test_an_envelope_in_one_event_is_named(sent, what):
    """In Kafka an event is one request: ingest takes these apart."""
    with pytest.raises(InvalidEvent, match=what):
        read(json.dumps(sent))


def azure(category: str, **more: object) -> str:
    """Return a record of Azure's diagnostic logs."""
    return json.dumps({"time": CRI_TIME, "resourceId": "/S", "category": category} | more)


@pytest.mark.parametrize(
    "record",
    [
        azure("ApplicationGatewayFirewallLog", properties={"clientIp": "192.0.2.1"}),
        azure("FrontDoorHealthProbeLog", properties={"httpStatusCode": "400"}),
        json.dumps({"count": 1, "metricName": "Throughput", "resourceId": "/S"}),
    ],
)
def test_what_azure_sends_beside_access_logs_is_dropped(record):
    """One array has all categories that are switched on: many dead letters pause a stream."""
    assert line_stage(None, None, None)(record.encode()) == []


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (azure("StorageRead"), "Azure's category StorageRead"),
        (
            azure("ApplicationGatewayAccessLog", time="now", properties={"clientIP": "", "httpStatus": 1}),
            "time",
        ),
    ],
)
def test_a_record_of_azure_that_cannot_be_read_says_why(record, what):
    """Its category, or the value of an access log that is at fault."""
    with pytest.raises(InvalidEvent, match=what):
        read(record)


def test_a_line_on_the_console_of_an_app_service_is_read():
    """A container there writes its access log to it."""
    assert read(azure("AppServiceConsoleLogs", resultDescription=LINE))["ip"] == "192.0.2.9"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (
            '2023/05/17 10:05:03.123\tINFO\thttp.log.access.log0\thandled request\t{"a": ["b"]}',
            "Caddy's console",
        ),
        ('INFO:     192.0.2.9:33422 - "GET /a HTTP/1.1" 200 OK', "uvicorn"),
        (f'{CRI_TIME} stdout F INFO:     192.0.2.9:33422 - "GET /a HTTP/1.1" 200 OK', "uvicorn"),
        ("CEF:0|Incapsula|SIEMintegration|1|1|Normal|0| request=a.example/ src=192.0.2.9", "CEF"),
        ("<14>May 17 10:05:03 web1 LEEF:1.0|Zscaler|NSS|4.1|200|src=192.0.2.9", "CEF"),
    ],
)
def test_a_line_that_is_no_access_log_with_a_time_is_named(line, what):
    """Its client, or a bracket far behind, was blamed."""
    with pytest.raises(InvalidEvent, match=what):
        read(line)
