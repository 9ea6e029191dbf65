"""Clock: whether this machine and the brokers agree what time it is."""

from collections.abc import AsyncIterator

from dataflow.catalogue.declared import TOPICS
from dataflow.cli.doctor.finding import Examined, Finding, error, ok, warning
from dataflow.instants import now_ms
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import read_last

CHECK = "clock"
APART_SECONDS = 5.0
NEWEST = 50
REMEDY = "run a time service (chrony, systemd-timesyncd) on this machine and on the brokers"


async def clock(examined: Examined) -> AsyncIterator[Finding]:
    """Compare with the timestamps that brokers have given to the newest records: none is of the future."""
    names = [name for name, topic in TOPICS.items() if topic.configs.get("message.timestamp.type")]
    tps = await examined.admin.partitions(names)
    newest_ms = 0
    async with reader(examined.connection) as consumer:
        if tps:
            async for _, records in read_last(consumer, tps, NEWEST):
                newest_ms = max([newest_ms, *(record.timestamp for record in records)])
    if not newest_ms:
        yield ok(CHECK, "no records are there to compare with")
        return
    ahead = (newest_ms - now_ms()) / 1000
    if ahead <= APART_SECONDS:
        yield ok(CHECK, "no record of the brokers is ahead of the clock of this machine")
        return
    found = f"the newest record is {ahead:,.0f} s ahead of the clock of this machine"
    level = warning if ahead < APART_SECONDS * 12 else error
    yield level(CHECK, found, f"clocks that are at most {APART_SECONDS:g} s apart", REMEDY)
