"""Wrapping: a line as a collector of logs stored it in; the line of the server, its host and time out."""

import re
from typing import NamedTuple

from dataflow.stages.access_log.collected import collected, part_of_a_line

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_ISO_SPACED = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} [+-][0-9]{4}"
_BSD = r"[A-Z][a-z]{2} [ 0-9]?[0-9] (?:[0-9]{4} )?[0-9:]{8}(?:\.[0-9]{1,9})?"
_PARAMETER = r'[^"\\\]]*+(?:"(?:[^"\\]|\\.)*+"[^"\\\]]*+)*+'
_STRUCTURED = rf"(?:-|(?:\[{_PARAMETER}\])++)"
_COLOUR = r"(?:\x1b\[[0-9;]*+[mK])*+"
_PRIORITY = r"(?:(?:[0-9]{1,6} )?<[0-9]{1,3}>)?"  # over TCP with its length in front
_PROCESS = r"\[[0-9A-Za-z._-]++\]"  # its number; of Heroku and kail the name of a dyno or container
_TAG = rf"[^ :\[\"]++(?:{_PROCESS})?: "
_FULL = r"[A-Z][a-z]{2} [0-9-]{10} [0-9:]{8}(?:\.[0-9]{1,9})? [A-Z]{1,5}"  # journalctl -o short-full
_TIME = rf"(?P<time>{_BSD}|{_ISO}|{_FULL}|[0-9]{{10}}\.[0-9]{{1,9}})"
_NAME = "[0-9a-z][0-9a-z-]*+"  # no dash alone: that is no value of a column
_POD = rf"(?=[0-9a-z]++-){_NAME}"
_LINE = r"(?=[0-9A-Fa-f]*+[.:-]|\{)"  # begins with an address or a time, or is JSON
_FACILITY = r"(?:kern|user|mail|daemon|auth|authpriv|syslog|local[0-7])\.[a-z]{3,7}"

_PREFIXES = (
    # syslog by RFC 3164, and as rsyslog and `journalctl -o short` write it. No address ends in a colon
    # and a space. BusyBox has facility and severity behind the host.
    rf"{_PRIORITY}{_TIME} (?:(?!{_FACILITY} )(?P<host>[^ ]++) )?(?:{_FACILITY} )?{_TAG}",
    # syslog without time and host, as programs send it to a local socket
    rf"(?:<[0-9]{{1,3}}>{_TAG}|[A-Za-z][0-9A-Za-z_./-]*+{_PROCESS}: )",
    # and with the host that nginx writes to it, which journald takes for a part of the message
    rf"(?P<host>[A-Za-z][0-9A-Za-z._-]*+) [A-Za-z][0-9A-Za-z_-]*+: {_LINE}",
    # and with a host, but without the name of a program
    rf"{_PRIORITY}(?P<time>{_BSD}) (?P<host>[A-Za-z][0-9A-Za-z._-]*+) {_LINE}",
    # syslog by RFC 5424; Heroku leaves structured data out
    rf"{_PRIORITY}1 (?P<time>{_ISO}|-) (?P<host>[^ ]++)(?: [^ ]++){{3}} (?:{_STRUCTURED} )?+(?:\ufeff)?",
    # Fluentd's file output: time, tag, record
    rf"(?P<time>{_ISO})\t[^\t]++\t(?=\{{)",
    # aws logs tail, with the stream behind the time
    rf"(?P<time>{_ISO}) [^ /]*+/[^ ]*+ {_LINE}",
    # a host without the name of a program, in front of JSON
    rf"{_PRIORITY}{_TIME} (?P<host>[^ ]++) ++(?=\{{)",
    # CRI: time, stream, whole (F) or in parts (P). `docker logs -t` writes the time alone.
    rf"(?P<time>{_ISO}) (?:(?:stdout|stderr) (?:F|(?P<part>P))(?::[^ ]*+)? )?",
    # Docker Compose; of a swarm with the node behind the task
    rf"{_COLOUR}(?:[0-9A-Za-z._-]++@)?(?P<host>[0-9A-Za-z][0-9A-Za-z._-]*+) *+\|{_COLOUR} {_COLOUR}",
    # stern: pod and container, with --all-namespaces behind the namespace
    rf"(?:{_COLOUR}{_NAME}{_COLOUR} )?{_COLOUR}(?P<host>{_POD}){_COLOUR} {_COLOUR}{_NAME}{_COLOUR} {_LINE}",
    # kubectl logs --prefix
    r"\[pod/(?P<host>[^/\]]++)/[^/\]]++\] ",
    # Hypercorn, with the number of its process
    rf"\[(?P<time>{_ISO_SPACED})\] \[[0-9]++\] \[[A-Z]++\] {_LINE}",
    # Ambassador, of the Envoy in it
    r"ACCESS (?=\[)",
    # journald, as `journalctl -o export` writes it
    "MESSAGE=",
)
_prefix_matches = [re.compile(pattern).match for pattern in _PREFIXES]

is_wrapped = re.compile(rf"{_ISO} (?:stdout|stderr) [FP][ :]").match
"""Whether a container runtime has certainly wrapped a line: no format begins so."""

_begins_quoted = re.compile(r'"(?=[0-9A-Fa-f.:]*+ )').match
_is_csv = re.compile(r'[^"]*+(?<=\] )""[A-Z]').match
_QUOTE = re.compile(r'(?<!\\)"')

_BESIDE = (
    # W3C extended log
    r"#(?:Version|Fields|Software|Date|Start-Date|End-Date|Remark|GMT-Offset): ?",
    # Google Cloud Storage
    r'"time_micros",',
    # journalctl
    r"-- (?:Logs begin|Journal begins|Boot|Reboot|No entries)",
    # journalctl -o export
    r"_{1,2}[A-Z][A-Z0-9_]*+=",
    r"(?:PRIORITY|MESSAGE_ID|SYSLOG_[A-Z_]++|CODE_[A-Z_]++|TID|UNIT|USER_UNIT|ERRNO|INVOCATION_ID|JOB_[A-Z]++)=",
)
is_beside = re.compile("|".join(_BESIDE)).match
"""Whether a line stands between requests: it names their columns, or is another field of a journal entry."""


class Wrapped(NamedTuple):
    """A server's line, and what a collector says of it; null where it does not."""

    line: str
    host: str | None
    time: str | None
    """As the collector wrote it."""


def unwrap(line: str) -> Wrapped | None:
    """Return the line that CRI, Docker, syslog, Compose or journald wrapped; null if none of them did.

    Raises `InvalidEvent` for a part of a line.
    """
    if line.lstrip(" \t").startswith("{"):
        stored = collected(line)
        return None if stored is None else Wrapped(*stored)
    for match_prefix in _prefix_matches:
        match = match_prefix(line)
        if match is not None:
            named = match.groupdict()
            if named.get("part"):
                raise part_of_a_line()
            return Wrapped(line[match.end() :], _known(named.get("host")), _known(named.get("time")))
    return Wrapped(_unquoted(line), None, None) if _begins_quoted(line) else None


def _unquoted(line: str) -> str:
    """Return a line without the quotation marks around it: OpenLiteSpeed's, or those of one column of CSV."""
    inner = line[1:]
    is_closed = len(_QUOTE.findall(inner)) % 2 == 1 and inner.endswith('"')
    inner = inner[:-1] if is_closed else inner
    return inner.replace('""', '"') if _is_csv(inner) else inner


def _known(text: str | None) -> str | None:
    return None if text in (None, "", "-") else text
