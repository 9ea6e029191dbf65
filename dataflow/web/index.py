"""The pages: `/` and all files out, the same for everyone; what they show they ask for themselves."""

from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePath

from aiohttp.web import Request, Response, RouteTableDef

from dataflow.http_error import not_found

FILES = {file.name: file.read_bytes() for file in files("dataflow.web").joinpath("static").iterdir()}
VERSION = sha256(b"".join(FILES[name] for name in sorted(FILES))).hexdigest()[:12]
PAGES = {
    name: file.replace(b"{version}", VERSION.encode())
    for name, file in FILES.items()
    if name.endswith(".html")
}

# What a machine thinks of .js differs, and browsers insist.
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}

KEPT = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"

PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self'; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

routes = RouteTableDef()


@routes.get("/")
async def index(request: Request) -> Response:
    """Answer with the page."""
    return page_of(request, "index.html")


@routes.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Answer with the icon where browsers look for one that show JSON."""
    return _file(request, FILES["icon.svg"], ".svg", ASKED_AGAIN)


@routes.get("/static/{version}/{name}")
async def static(request: Request) -> Response:
    """Answer with a file of the page, kept for good by whoever asks for this version of it."""
    version, name = request.match_info["version"], request.match_info["name"]
    if name not in FILES or name in PAGES:
        raise not_found("file", name, "one that the page names")
    cache = KEPT if version == VERSION else ASKED_AGAIN
    return _file(request, FILES[name], PurePath(name).suffix, cache)


def page_of(request: Request, name: str) -> Response:
    """Answer with a page."""
    return _file(request, PAGES[name], ".html", ASKED_AGAIN)


def _file(request: Request, body: bytes, suffix: str, cache: str) -> Response:
    tag = f'"{VERSION}"'
    headers = {"Cache-Control": cache, "ETag": tag, "Content-Security-Policy": PAGE_POLICY}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body=body, headers={**headers, "Content-Type": f"{KINDS[suffix]}; charset=utf-8"})
