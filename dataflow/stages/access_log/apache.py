"""Apache: the format string of a ``LogFormat`` in, texts and directives in their order out."""

import re

from dataflow.errors import Misconfigured
from dataflow.stages.access_log import directives as d

_STRING = r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
_WORD = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"']+)"""
_COMMENTS = r"(?:\s|\#[^\n]*\n)*+"
_begins_statement = re.compile(
    rf"{_COMMENTS}(?:LogFormat|(?:Custom|Global|Transfer)Log)\s", re.IGNORECASE
).match
_STATEMENT = re.compile(
    rf"{_COMMENTS}(?:LogFormat|(?:Custom|Global)Log\s+{_WORD})\s+{_STRING}(?:[ \t]+{_WORD})*+\s*",
    re.DOTALL | re.IGNORECASE,
)
_QUOTED = re.compile(rf"\s*{_STRING}\s*", re.DOTALL)
_CONTINUED = re.compile(r"\\\r?\n")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DIRECTIVE = re.compile(
    r"%U%q|%(?:!?[0-9,]+|[<>])*(?:\{([^}]*)\})?(?:!?[0-9,]+|[<>])*(\^?[A-Za-z]{2}(?<=\^..)|[A-Za-z%])?"
)

_PLAIN = {
    "a": d.CLIENT, "h": d.CLIENT, "l": d.IDENT, "u": d.USER, "t": d.BRACKETED_TIME, "r": d.REQUEST,
    "m": d.METHOD, "U": d.PATH, "q": d.QUERY, "H": d.PROTOCOL, "s": d.STATUS, "b": d.BYTES,
    "B": d.BYTES, "O": d.BYTES_WITH_HEADERS, "v": d.SERVER_NAME, "V": d.SERVER_NAME,
    "D": d.MICROSECONDS, "T": d.WHOLE_SECONDS, "p": d.SKIPPED_DIGITS, "I": d.SKIPPED_WORD,
    "S": d.SKIPPED_WORD, "k": d.SKIPPED_DIGITS, "P": d.SKIPPED_DIGITS,
    "^FB": d.SKIPPED_DIGITS,
    "A": d.SKIPPED, "f": d.SKIPPED, "L": d.SKIPPED, "R": d.SKIPPED, "X": d.SKIPPED,
}  # fmt: skip
_HEADERS = {
    "user-agent": d.USER_AGENT, "referer": d.REFERER, "host": d.HOST, "x-forwarded-for": d.FORWARDED,
    "x-real-ip": d.FORWARDED, "x-client-ip": d.FORWARDED, "x-cluster-client-ip": d.FORWARDED,
    "cf-connecting-ip": d.FORWARDED, "true-client-ip": d.FORWARDED, "fastly-client-ip": d.FORWARDED,
}  # fmt: skip
_NAMED = frozenset(("o", "e", "n", "x", "c", "C", "^ti", "^to"))
_TIMES = {
    "sec": d.WHOLE_EPOCH, "msec": d.EPOCH_MS, "usec": d.EPOCH_US,
    "msec_frac": d.FRACTION, "usec_frac": d.FRACTION,
}  # fmt: skip
_DURATIONS = {"ms": d.MILLISECONDS, "us": d.MICROSECONDS, "s": d.WHOLE_SECONDS}


def apache_parts(text: str) -> list[d.Part]:
    r"""Return the parts of a format string, bare or as the whole ``LogFormat`` or ``CustomLog`` statement.

    ``\"`` in it is a quotation mark, as in the configuration. Raises `Misconfigured`
    naming a directive that Apache does not have or that cannot be read back.
    """
    text = _CONTINUED.sub("", text)
    match = _STATEMENT.fullmatch(text) or _QUOTED.fullmatch(text)
    if match is None and _begins_statement(text):
        raise Misconfigured(f'log format is {text[:80]!r}; expected one statement, as LogFormat "%h %t" name')
    escaped = (match[1] or match[2] or "") if match else text
    text = _ESCAPE.sub(lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]), escaped)
    parts: list[d.Part] = []
    at = 0
    for match in _DIRECTIVE.finditer(text):
        parts.append(text[at : match.start()])
        parts.append("%" if match[2] == "%" else (match[0], _directive(match)))
        at = match.end()
    return [*parts, text[at:]]


def _directive(match: re.Match[str]) -> d.Directive:
    argument, letter = match[1], match[2] or ""
    if match[0] == "%U%q":
        return d.TARGET
    if letter == "s" and ">" not in match[0]:
        return d.STATUS._replace(weak=True)  # before a redirect within the server
    directive = _PLAIN.get(letter) if argument is None else _with_argument(argument, letter)
    if directive is None:
        raise Misconfigured(
            f"log format has {match[0]!r} at column {match.start() + 1}; "
            "expected a directive of Apache's mod_log_config that can be read back"
        )
    return directive


def _with_argument(argument: str, letter: str) -> d.Directive | None:
    if letter == "t":
        return _time(argument.removeprefix("begin:"))
    if letter == "T":
        return _DURATIONS.get(argument)
    if letter == "i":
        return _HEADERS.get(argument.lower(), d.SKIPPED)
    if letter in ("a", "h"):
        return {"c": d.PROXY, "client": d.CLIENT}.get(argument)  # the second one is Jetty's
    return d.SKIPPED_DIGITS if letter in ("p", "P") else d.SKIPPED if letter in _NAMED else None


def _time(written: str) -> d.Directive | None:
    # A line has one time, that of the request: the end of the answer is not kept.
    return d.SKIPPED if written.startswith("end:") else _TIMES.get(written) or d.strftime_part(written)
