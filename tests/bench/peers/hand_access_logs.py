"""What an engineer writes by hand with confluent-kafka: access log lines in, JSON with agent and country out.

Packages user-agents, behind a cache, and maxminddb. Once a second it flushes, then commits. A line
that it cannot parse is left out.
"""

import os
import re
import signal
import time
from datetime import datetime
from functools import lru_cache
from threading import Event

import maxminddb
import orjson
from access_lines import CITY
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from user_agents import parse

OUTPUT, COMMIT_SECONDS = os.environ["OUTPUT"], 1.0
NOTHING_TO_COMMIT = (KafkaError._NO_OFFSET, KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID)
BROKER = {"bootstrap.servers": os.environ["BROKER"]}

agent_of = lru_cache(10_000)(parse)
match = re.compile(
    r'(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) ([^"]+)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"'
).match
places = maxminddb.open_database(CITY)
consumer = Consumer(
    {
        **BROKER,
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "queued.min.messages": 100_000,
        "fetch.queue.backoff.ms": 10,  # with the default of 1,000 it waits most of the time
    }
)
producer = Producer({**BROKER, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
stopping = Event()


def produce(topic: str, value: bytes, key: bytes | None) -> None:
    """Hand one message to the producer, waiting while its queue is full."""
    while True:
        try:
            return producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.05)


def parsed(line: str) -> bytes | None:
    """Return what a line tells as JSON; None if it is no such line."""
    found = match(line)
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


def commit() -> None:
    """Wait for all that was sent, then commit the offsets."""
    producer.flush()
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() not in NOTHING_TO_COMMIT:
            raise


def main() -> None:
    """Run until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    consumer.subscribe([os.environ["SOURCE"]])
    committed, pending = time.monotonic(), 0
    while not stopping.is_set():
        messages = consumer.consume(5_000, 0.2)
        for message in messages:
            if message.error() is None and (value := parsed(message.value().decode())):
                produce(OUTPUT, value, message.key())
        producer.poll(0)
        pending += len(messages)
        if pending and time.monotonic() - committed > COMMIT_SECONDS:
            commit()
            committed, pending = time.monotonic(), 0
    if pending:
        commit()
    consumer.close()


main()
