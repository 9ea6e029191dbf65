"""Author: who has sent a request that changes something, as it is written down."""

from aiohttp.web import Request

from dataflow.access.identity import IdentityKind
from dataflow.web.authorize import identity_of


def author_of(http: Request) -> str:
    """Return who has sent a request that was let in; of one without credentials, its address."""
    identity = identity_of(http)
    is_known = identity.kind is not IdentityKind.EVERYBODY
    return str(identity) if is_known else f"{identity} at {http.remote}"
