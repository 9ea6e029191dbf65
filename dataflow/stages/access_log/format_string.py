"""Format string: what stands in a server's configuration in, a parser of its lines out."""

from dataflow.errors import Misconfigured
from dataflow.stages.access_log.apache import apache_parts
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.nginx import is_nginx, nginx_parts


def compile_format(text: str, zone: str | None = None) -> LineFormat:
    """Compile an Apache ``LogFormat`` or nginx ``log_format``, bare or as the whole statement.

    `zone` is that of times which are written without one, as ``Europe/Berlin``. Raises `Misconfigured`
    naming the directive at fault: one that the server does not have, two with nothing between them
    to tell where one ends, or no time at all.
    """
    if is_nginx(text):
        parts, escapes = nginx_parts(text)
    elif "%" in text:
        parts, escapes = apache_parts(text), True
    else:
        raise Misconfigured(f"log format is {text!r}; expected Apache's %directives or nginx's $variables")
    return LineFormat([part for part in parts if part != ""], escapes=escapes, zone=zone)
