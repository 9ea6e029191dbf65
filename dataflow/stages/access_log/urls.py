"""URLs: what a server logs as the URL of a request in; its host, path and query out."""

import re

from dataflow.stages.access_log.values import target_parts, text_of

HostAndTarget = tuple[str | None, str | None, str | None]

# Possessive, and a query may have line feeds: else one would be looked for at each length of host and path.
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*+://(?:[^/?#@]*+@)?+(\[[^\]]*+\]|[^/?#:]*+)(?::[0-9]*+)?+([^?]*+)(?:\?(.*+))?+",
    re.DOTALL,
)
_HOST_AND_PATH = re.compile(
    r"(?=[^/?]*[.:])([0-9A-Za-z_.-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]++)?+(/.*)", re.DOTALL
)


def host_and_target(target: str) -> HostAndTarget:
    """Return host, path and query of a whole URL, or path and query of a target without a host."""
    target = text_of(target) or ""
    match = _URL.fullmatch(target)
    if match is None:
        return None, *target_parts(target)
    return match[1] or None, match[2] or "/", match[3] or None


def host_before_path(uri: str) -> HostAndTarget:
    """Return host, path and query of a URI that may lack its scheme, as ``www.example.com/a?b``.

    A whole URL stays the path: a proxy was asked for it.
    """
    uri = text_of(uri) or ""
    match = _HOST_AND_PATH.fullmatch(uri)
    return (None, *target_parts(uri)) if match is None else (match[1], *target_parts(match[2]))
