"""Bots: who asks without a person who waits for the answer, by the two lists of them that are kept.

crawler-user-agents and Matomo's (in device-detector) are made by many, and grow every week. What they miss
of each other's examples, and which telephones they take for bots, is measured by `tests/bench/bots.py`.
"""

import re
from importlib.resources import files
from typing import Final, cast

import re2
import yaml_rs
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

PEOPLE: Final = frozenset(
    (
        *(r"AP3A\.240617\.008", r"008\/", "okhttp", "WhatsApp", "Viber", "Sogou", "Sonic", "Fluid", "Fever"),
        *("NewsBlur", "Podimo", "Butterfly", "BTWebClient", "Expanse", r"Code\/1\.", "Chirp|gotosocial"),
        *(r"(^| )PTST\/", "[wW]get", r"sindresorhus\/got"),
    )
)
"""Patterns of crawler-user-agents that are found in what people's browsers and apps send, too."""

TOOLS: Final = (
    r"^WhatsApp/[0-9.]+(?: [A-Z])?$|^curl/|^wget/[0-9.]+$|^java/|^php|^ruby|^rest-client|faraday|lwp-"
    r"|libwww-perl|undici|axios|node-fetch|masscan|nmap|nessus|openvas|shodan|palo alto networks|^nuclei"
    r"|censys|feroxbuster|fuzz faster|wfuzz|w3af|internal dummy connection|kube-probe|^nagios|^monit/"
    r"|guzzlehttp|^postmanruntime/|^insomnia/|^java-http-client/|^reactornetty|^restsharp|^unirest|fasthttp"
    r"|asynchttpclient|^lua-resty-http|^boto3?/|^aws-cli/"
    r"|newrelicpinger|^googlehc|^envoy/hc|health-?check"
)
"""Link previews, clients of programs, scanners and probes; `Wget` alone is also a browser's plug-in."""

BOUNDARY: Final = r"(?:^|[^A-Z0-9_-]|[^A-Z0-9-]_|sprd-|MZ-)"
"""What Matomo has in front of each of its patterns."""

_LOOKAROUND: Final = re.compile(r"\(\?<?!(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")


class BotList:
    """Patterns, any of which tells a bot. RE2 looks for all of them at once."""

    def __init__(self) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 64 << 20
        self._crawlers = re2.Set.SearchSet(options)
        for entry in CRAWLER_USER_AGENTS_DATA:
            if entry["pattern"] not in PEOPLE:
                self._crawlers.Add(entry["pattern"])
        self._crawlers.Add(f"(?i){TOOLS}")
        self._crawlers.Compile()
        options.case_sensitive = False
        self._matomo = re2.Set.SearchSet(options)
        self._exact: list[re.Pattern[str] | None] = [self._add(pattern) for pattern in _matomo_patterns()]
        self._matomo.Compile()

    def _add(self, pattern: str) -> re.Pattern[str] | None:
        """Add a pattern; return what decides where RE2 knows less of it than it says."""
        simple = _LOOKAROUND.sub("", pattern)
        self._matomo.Add(BOUNDARY + f"(?:{simple})")
        if simple == pattern:
            return None
        return re.compile(BOUNDARY + f"(?:{_LOOKAROUND.sub(_one_by_one, pattern)})", re.IGNORECASE)

    def has(self, text: str) -> bool:
        """Tell whether a user agent is a bot's."""
        return bool(self._crawlers.Match(text)) or any(
            self._confirms(text, number) for number in self._matomo.Match(text) or ()
        )

    def _confirms(self, text: str, number: int) -> bool:
        exact = self._exact[number]
        return exact is None or exact.search(text) is not None


def _one_by_one(lookaround: re.Match[str]) -> str:
    """Look behind for one alternative after the other: Python looks behind for one length only."""
    opening, alternatives = lookaround[0][:-1].split("!", 1)
    if opening == "(?":  # ahead
        return lookaround[0]
    return "".join(f"{opening}!{alternative})" for alternative in alternatives.split("|"))


def _matomo_patterns() -> list[str]:
    source = files("device_detector").joinpath("regexes", "upstream", "bots.yml")
    entries = cast("list[dict[str, str]]", yaml_rs.loads(source.read_text("utf-8")))
    return [entry["regex"] for entry in entries]
