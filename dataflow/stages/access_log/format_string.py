"""Format string: what stands in a server's configuration in, a parser of its lines out."""

from collections.abc import Sequence

from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.access_log.apache import apache_parts
from dataflow.stages.access_log.directives import Part
from dataflow.stages.access_log.examples import example_of
from dataflow.stages.access_log.gunicorn import as_apache
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.nginx import is_nginx, nginx_parts


def compile_format(text: str, zone: str | None = None) -> LineFormat:
    """Compile an Apache ``LogFormat`` or nginx ``log_format``, bare or as the whole statement; or Gunicorn's.

    `zone` is that of times which are written without one, as ``Europe/Berlin``. Raises `Misconfigured`
    naming the directive at fault: one that the server does not have, two with nothing between them
    to tell where one ends, or no time at all.
    """
    if is_nginx(text):
        parts, escapes = nginx_parts(text)
    elif "%" in text:
        parts, escapes = apache_parts(as_apache(text)), True
    else:
        raise Misconfigured(
            f"log format is {text!r}; expected Apache's %directives or nginx's $variables, "
            "or a name that `dataflow formats` lists"
        )
    lines = LineFormat([part for part in parts if part != ""], escapes=escapes, zone=zone)
    _check(lines, parts)
    return lines


def _check(lines: LineFormat, parts: Sequence[Part]) -> None:
    """Refuse a format that does not read what the server would write by it."""
    texts = [part if isinstance(part, str) else example_of(part[1]) for part in parts]
    example = "".join(texts)
    if "\n" in example or "\0" in example:
        at = min(example.find(end) for end in "\n\0" if end in example)
        raise Misconfigured(f"log format writes more than one line, as {example[: at + 1]!r}; expected one")
    written = [text for text, part in zip(texts, parts, strict=True) if not isinstance(part, str)]
    names = [part[0] for part in parts if not isinstance(part, str)]
    try:
        read = lines.texts_of(example)
    except InvalidEvent as error:
        raise Misconfigured(
            f"log format can match no line: in {example!r}, {error.detail}; expected texts between its "
            "values that tell where each ends"
        ) from error
    for name, text, expected in zip(names, read, written, strict=True):
        if text != expected:
            raise Misconfigured(
                f"log format has {name!r}, which reads {text!r} of {example!r} in place of {expected!r}; "
                "expected a text behind it that tells where it ends"
            )
