"""What an engineer writes by hand with confluent-kafka: access log lines in, JSON with agent and country out.

Packages user-agents, behind a cache, and maxminddb. Once a second it flushes, then commits. A line
that it cannot parse is left out.
"""

import re
from datetime import datetime
from functools import lru_cache

import maxminddb
import orjson
from access_lines import CITY
from confluent_kafka import Message
from hand_loop import run
from user_agents import parse

agent_of = lru_cache(10_000)(parse)
match = re.compile(
    r'(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) ([^"]+)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"'
).match
places = maxminddb.open_database(CITY)


def parsed(message: Message) -> bytes | None:
    """Return what a line tells as JSON; None if it is no such line."""
    found = match(message.value().decode())
    if found is None:
        return None
    ip, at, method, endpoint, protocol, status, size, referer, text = found.groups()
    agent, place = agent_of(text), places.get(ip) or {}
    return orjson.dumps(
        {
            "ip": ip,
            "ts": datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z").isoformat(),
            "method": method,
            "endpoint": endpoint,
            "protocol": protocol,
            "status": int(status),
            "bytes": 0 if size == "-" else int(size),
            "referer": referer,
            "user_agent": text,
            "ua_device": agent.device.family,
            "ua_os": agent.os.family,
            "ua_browser": agent.browser.family,
            "country": place.get("country", {}).get("iso_code"),
        }
    )


run(parsed)
