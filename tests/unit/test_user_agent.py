"""User agents: what they tell, who is a bot, and that the fast resolver answers as the slow one."""

import gzip
import re
from pathlib import Path

import pytest
import user_agents
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import example, given
from hypothesis import strategies as st
from ua_parser import BasicResolver, Domain, load_lazy_builtins

from dataflow.stages.bots import PEOPLE
from dataflow.stages.user_agent import LONGEST, ExactResolver, UserAgent, user_agent_of

SAMPLE = Path(__file__).parents[1] / "data/access_logs/apache_combined_10k.log.gz"
AGENTS = sorted(set(re.findall(r'"([^"]*)"$', gzip.decompress(SAMPLE.read_bytes()).decode(), re.MULTILINE)))
EXACT, PURE = ExactResolver(load_lazy_builtins()), BasicResolver(load_lazy_builtins())

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, UserAgent()),
        ("", UserAgent("other", is_bot=False)),
        ("no one knows me", UserAgent("other", is_bot=False)),
        (IPHONE, UserAgent("mobile", "iOS", "17.4", "Mobile Safari", "17.4", False)),
        (IPAD, UserAgent("tablet", "iOS", "17.4", "Mobile Safari", "17.4", False)),
        (WINDOWS, UserAgent("pc", "Windows", "10", "Chrome", "124.0.0", False)),
        ("curl/8.5.0", UserAgent("other", None, None, "curl", "8.5.0", True)),
    ],
)
def test_device_system_and_browser_with_their_versions(text, expected):
    """Null where the text does not tell; `other` is a device, not an unknown one."""
    assert user_agent_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "Mozilla/5.0 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
        "Mozilla/5.0 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
        "Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
        "Mozilla/5.0 (Linux; Android 5.0) (compatible; Bytespider; spider-feedback@bytedance.com)",
        "CCBot/2.0 (https://commoncrawl.org/faq/)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Slack-ImgProxy (+https://api.slack.com/robots)",
        "Twitterbot/1.0",
        "WhatsApp/2.23.20.0 A",
        "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
        "Site24x7",
        "kube-probe/1.29",
        "ELB-HealthChecker/2.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/124.0.0.0 Safari/537.36",
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
        "python-requests/2.32.0",
        "Go-http-client/2.0",
        "Wget/1.21.4",
        "Java/17.0.2",
        "Java-http-client/17.0.9",
        "GuzzleHttp/7",
        "PostmanRuntime/7.36.0",
        "fasthttp",
        "Custom-AsyncHttpClient",
        "Boto3/1.34.0 md/Botocore#1.34.0",
        "Mozilla/5.0 zgrab/0.x",
        "Amazon-Route53-Health-Check-Service (ref x; report http://amzn.to/1vsZADi)",
        "Datadog/Synthetics",
        "Grafana/11.1.0",
        "Zabbix",
        "Mozilla/5.0 (X11; Linux) Nessus",
        "Mozilla/5.0 (compatible; Shodan)",
        "Expanse, a Palo Alto Networks company, searches across the global IPv4 space",
        "Monit/5.27",
        "gobuster/3.6",
        "Shodan-Pull/1.0",
        "Apache/2.4.57 (Ubuntu) (internal dummy connection)",
        IPHONE + " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    ],
)
def test_who_asks_without_a_person_waiting_is_a_bot(text):
    """Crawlers, link previews, monitors, AI crawlers, feed readers, scripts and scanners."""
    assert user_agent_of(text).is_bot is True


@pytest.mark.parametrize(
    "text",
    [
        IPHONE,
        IPAD,
        WINDOWS,
        "Mozilla/5.0 (Linux; Android 9; CUBOT_NOVA) Chrome/74.0.3729.157 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0) Slack/4.36.140 Chrome/120.0.6099.276 Electron/28.2.2",
        IPHONE + " [FBAN/FBIOS;FBAV/460.0.0.34.106;FBDV/iPhone14,5]",
        "Mozilla/5.0 (compatible; MSIE 9.0; Windows Phone OS 7.5; IEMobile/9.0; XBLWP7; ZuneWP7)",
        "Mozilla/5.0 (Linux; Android 10; XBot Junior) AppleWebKit/537.36 Chrome/91.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; Spider 8) AppleWebKit/537.36 Chrome/91.0 Safari/537.36",
        "WhatsApp/2.17.395 Android/6.0 Device/Meizu-M5_Note",
        "okhttp/4.12.0",
        "MyApp/7 CFNetwork/1494.0.7 Darwin/23.4.0",
        "Opera/9.80 (Windows NT 6.1; U; ru) Presto/2.7.39 Version/11.00",
    ],
)
def test_browsers_and_apps_of_people_are_not_bots(text):
    """A false bot takes a person out of the counts."""
    assert user_agent_of(text).is_bot is False


def test_what_is_left_out_of_a_list_is_in_it():
    """A pattern that the list writes otherwise one day would be left in, and people be bots again."""
    assert {entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA} >= PEOPLE


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 5.0) AppleWebKit/537.36 Version/5.0 TV Safari/537.36", "tv"),
        (
            "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/79.0 Safari/537.36 WebAppManager",
            "tv",
        ),
        ("Mozilla/5.0 (Linux; Android 7.1.2; AFTMM Build/NS6265) AppleWebKit/537.36 Chrome/59.0", "tv"),
        ("Roku/DVP-9.10 (519.10E04111A)", "tv"),
        ("Dalvik/2.1.0 (Linux; U; Android 9; BRAVIA 4K GB ATV3 Build/PTT1)", "tv"),
        ("Mozilla/5.0 (PlayStation 5 3.03/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)", "console"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 Edge/44.18363",
            "console",
        ),
        ("Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 NF/6.0.2", "console"),
        ("Dalvik/2.1.0 (Linux; U; Android 12; SM-G991B Build/SP1A.210812.016)", "mobile"),
        ("Dalvik/2.1.0 (Linux; U; Android 12; SM-T870 Build/SP2A.220305.013)", "tablet"),
        ("Mozilla/5.0 (Linux; Android 9; K) Chrome/72.0 Mobile Safari/537.36 [opened after login]", "mobile"),
        (
            "Mozilla/5.0 (Linux; Android 7.0; RIVIERA F23) Chrome/72.0 Mobile Safari/537.36",
            "mobile",
        ),
    ],
)
def test_televisions_consoles_and_telephones_are_what_they_are(text, device):
    """`user-agents` takes televisions for tablets, consoles for computers, Android apps for tablets."""
    assert user_agent_of(text).ua_device == device


def test_the_answers_are_those_of_user_agents():
    """The fast way round its slow parser changes what it says only where that is wrong."""
    for text in AGENTS:
        slow, fast = user_agents.parse(text), user_agent_of(text)
        kinds = ("tablet", slow.is_tablet), ("mobile", slow.is_mobile), ("pc", slow.is_pc), ("other", True)
        if fast.ua_device not in {"tv", "console"} and not text.startswith("Dalvik/"):
            assert fast.ua_device == next(kind for kind, it_is in kinds if it_is)
        assert (fast.ua_os or "Other", fast.ua_os_version or "") == (slow.os.family, slow.os.version_string)
        assert (fast.ua_browser or "Other") == slow.browser.family
        assert (fast.ua_browser_version or "") == slow.browser.version_string
        assert fast.is_bot or not slow.is_bot


@given(
    st.lists(st.sampled_from(AGENTS), min_size=1, max_size=2).map("".join) | st.text(), st.text(max_size=20)
)
@example("VLC/1.2.", "²")
@example(
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; .NET CLR 2.0.50727; Media Center PC 6.0) 360Spider",
    "",
)
def test_the_resolver_answers_as_the_pure_python_one(text, more):
    """RE2 only says which patterns to ask; what they say decides."""
    fast, slow = EXACT(text + more, Domain.ALL), PURE(text + more, Domain.ALL)
    assert (fast.user_agent, fast.os, fast.device) == (slow.user_agent, slow.os, slow.device)


@given(st.text())
@example("VLC/1.2.²")
def test_no_text_makes_it_fail(text):
    """Clients send anything."""
    assert user_agent_of(text).ua_device in ("mobile", "tablet", "pc", "other")


@pytest.mark.parametrize(
    "repeated", ["A", " ", "(", ";", "; ", "Mozilla/5.0 ", "Android ", "Linux; U; Android 1.1; ", "1."]
)
def test_no_text_can_hang_it(repeated):
    """The patterns of ua-parser are not ours, so the text is bounded; a hang would run into the timeout."""
    user_agent_of(repeated * 100_000)
    user_agent_of(WINDOWS + repeated * LONGEST)
