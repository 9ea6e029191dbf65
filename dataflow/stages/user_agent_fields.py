"""User agent fields: what is known from the text of a ``User-Agent`` header."""

import msgspec

LONGEST = 512
"""Characters of a user agent that are looked at; longer ones are an attacker's."""


class UserAgent(msgspec.Struct, frozen=True, gc=False):
    """What is known from a user agent; null if unknown."""

    ua_device: str | None = None
    """``mobile``, ``tablet``, ``pc`` or ``other``."""
    ua_os: str | None = None
    ua_os_version: str | None = None
    ua_browser: str | None = None
    ua_browser_version: str | None = None
    is_bot: bool | None = None
    """No person waits for the answer."""
