"""Placeholder: a program in the place of one that cannot be had, which would find what it needs.

Arguments: a port, then `read:PATH` (a file, or all of a folder) and `write:FOLDER`. It ends with an error
when its user may not; else it answers every request.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Answers that all is well."""

    def do_GET(self) -> None:  # its name is that of the library
        """Answer 200."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def check(what: str) -> None:
    """Read, or write, a path; raise `OSError`, or `ValueError` for what is empty."""
    right, _, name = what.partition(":")
    path = Path(name)
    if right == "write":
        (path / "placeholder").write_text("written")
        return
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    if not files or not all(one.read_bytes() for one in files):
        raise ValueError(f"{path} has nothing, or an empty file; expected what the program reads")


def main(port: str, *needed: str) -> None:
    """Check all that is needed, then answer for ever."""
    for what in needed:
        check(what)
    HTTPServer(("", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
