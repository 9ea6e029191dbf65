"""User agent: the text of the header in; device, system, browser and whether it is a bot out.

Importing it takes a third of a second: it loads all patterns.
"""

from typing import TypeVar

import msgspec
import re2
from ua_parser import OS, Domain, PartialResult, load_lazy_builtins
from ua_parser import UserAgent as Browser
from ua_parser.core import Matcher
from ua_parser.re2 import Resolver as Re2Resolver
from user_agents import parsers

from dataflow.stages.bots import BotList
from dataflow.stages.bounded_cache import LONGEST_KEY

M = TypeVar("M")

LONGEST = LONGEST_KEY
"""Characters of a user agent that are looked at; longer ones are an attacker's."""


class UserAgent(msgspec.Struct, frozen=True, gc=False):
    """What is known from a user agent; null if unknown."""

    ua_device: str | None = None
    """``mobile``, ``tablet``, ``pc``, ``tv``, ``console`` or ``other``."""
    ua_os: str | None = None
    ua_os_version: str | None = None
    ua_browser: str | None = None
    ua_browser_version: str | None = None
    is_bot: bool | None = None
    """No person waits for the answer."""


_OTHER = "Other"  # what user-agents calls what it does not know

_CONSOLE = re2.compile(r"PlayStation|Nintendo|Xbox|\bOUYA\b")
_TV = re2.compile(
    r"(?i)smart-?tv|hbbtv|\b(?:(?:apple|google|android|opera) ?)?tv\b|appletv|googletv|bravia|netcast|web0s"
    r"|\bviera\b|\broku\b|crkey|(?-i:\bAFT[A-Z]{1,4}[0-9]{0,3}\b)|dlnadoc|ce-html|chromecast|vizio"
)
_TABLET = re2.compile(
    r"(?i)tab(?:let)?\b|pad\b|\bsm-[tx][0-9]|\bgt-[pn][0-9]|kindle|\bkf[a-z]{2,}|pixel c\b|nexus (?:7|9|10)\b"
)
_bots = BotList()


def user_agent_of(text: str | None) -> UserAgent:
    """Return what is known from the text of a ``User-Agent`` header; all null without one.

    The answers are those of the packages user-agents and ua-parser, with more bots.
    """
    if text is None:
        return UserAgent()
    text = text[:LONGEST]
    agent = _Agent(text)
    return UserAgent(
        _device_of(agent),
        _known(agent.os.family),
        agent.os.version_string or None,
        _known(agent.browser.family),
        agent.browser.version_string or None,
        _bots.has(text),
    )


def is_bot(text: str) -> bool:
    """Tell whether a user agent is a bot's."""
    return _bots.has(text[:LONGEST])


class _Agent(parsers.UserAgent):  # type: ignore[misc]  # the package user-agents is untyped
    """The questions of user-agents, asked of what the resolver below found."""

    def __init__(self, text: str) -> None:
        client = _resolver(text, Domain.ALL)
        self.ua_string = text
        self.browser = parsers.Browser(*_family_and_version(client.user_agent))
        self.os = parsers.OperatingSystem(*_family_and_version(client.os))
        self.device = parsers.Device(client.device.family if client.device else _OTHER, None, None)


def _family_and_version(found: Browser | OS | None) -> tuple[str, tuple[()], str]:
    if found is None:
        return _OTHER, (), ""
    parts = (part for part in (found.major, found.minor, found.patch) if part is not None)
    # user-agents does the same, but fails on digits that are not ASCII ("VLC/1.2.²").
    version = ".".join(str(int(part)) if part.isascii() and part.isdigit() else part for part in parts)
    return found.family, (), version


def _device_of(agent: _Agent) -> str:
    text = agent.ua_string
    if _CONSOLE.search(text):
        return "console"
    if _TV.search(text):
        return "tv"
    if agent.is_tablet:
        # Apps for Android, whose texts never say "Mobile", are mostly used on telephones.
        return "mobile" if text.startswith("Dalvik/") and not _TABLET.search(text) else "tablet"
    if agent.is_mobile:
        return "mobile"
    return "pc" if agent.is_pc else "other"


def _known(family: str) -> str | None:
    return None if family == _OTHER else family


class ExactResolver(Re2Resolver):
    """Finds by RE2 which patterns may match, and lets the first that really does decide.

    RE2 gets patterns with simpler repeats, so some that it reports do not match. The
    package's own resolver asks only the first reported and then gives up; this one goes
    on, and so answers as the pure Python resolver does, at a seventh of its time.
    """

    def __call__(self, ua: str, domains: Domain, /) -> PartialResult:
        """Return what the first matching pattern of each domain says."""
        return PartialResult(
            domains=domains,
            string=ua,
            user_agent=_first(self.ua.Match(ua), self.user_agent_matchers, ua),
            os=_first(self.os.Match(ua), self.os_matchers, ua),
            device=_first(self.devices.Match(ua), self.device_matchers, ua),
        )


def _first(reported: list[int] | None, matchers: list[Matcher[M]], ua: str) -> M | None:
    answers = (matchers[index](ua) for index in sorted(reported or ()))
    return next((answer for answer in answers if answer is not None), None)


_resolver = ExactResolver(load_lazy_builtins())
