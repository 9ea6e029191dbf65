"""Examination: runs all checks; one that fails is a finding, and the others go on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Final

from dataflow.access.configured import check_access
from dataflow.cli.doctor.broker import CHECK as BROKER
from dataflow.cli.doctor.broker import bootstrap_faults, listeners
from dataflow.cli.doctor.certificates import broker_certificates, own_certificates
from dataflow.cli.doctor.clock import clock
from dataflow.cli.doctor.disk import disk
from dataflow.cli.doctor.finding import Check, Examined, Finding, Level, error, ok, warning
from dataflow.cli.doctor.formats import formats
from dataflow.cli.doctor.geoip import geoip
from dataflow.cli.doctor.retention import retention
from dataflow.cli.doctor.rights import rights
from dataflow.cli.doctor.topics import topics
from dataflow.cli.doctor.workers import workers
from dataflow.connection import broker_connection
from dataflow.errors import DataflowError, Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.refusals import find_refusal
from dataflow.settings import Settings, read_settings

LOCAL: Final[tuple[Callable[[Settings], Iterable[Finding]], ...]] = (disk, geoip, own_certificates)
AT_BROKER: Final[tuple[Check, ...]] = (
    listeners, broker_certificates, rights, topics, retention, workers, clock, formats,
)  # fmt: skip
CHECK_SECONDS, LOGIN_SECONDS = 30.0, 15.0
LOG_IN = (
    "the security protocol of that listener, and a login that the broker knows",
    "compare DATAFLOW_BROKER_SECURITY and the login with the listener of the broker (docs/security.md)",
)
LOOK = "look for this message in docs/troubleshooting.md"


async def examine(role: str | None) -> AsyncIterator[Finding]:
    """Yield the findings, as they come; where nothing listens, nothing is asked of a broker."""
    try:
        settings = read_settings()
    except Misconfigured as fault:
        for line in str(fault).splitlines():
            found, _, expected = line.partition("; expected ")
            yield error("settings", found, expected, "`dataflow settings` lists all of them")
        return
    for finding in _settings(settings):
        yield finding
    for check in LOCAL:
        for finding in check(settings):
            yield finding
    async for finding in _at_broker(settings, role or settings.role.value):
        yield finding


def _settings(settings: Settings) -> Iterator[Finding]:
    yield ok("settings", f"all settings are right; role is {settings.role}, app is {settings.app_id}")
    try:
        check_access(settings)
    except Misconfigured as fault:
        for line in str(fault).splitlines():
            found, _, expected = line.partition("; expected ")
            remedy = "docs/security.md says how; `dataflow secrets init` makes both"
            yield error("settings", found, expected, remedy)


async def _at_broker(settings: Settings, role: str) -> AsyncIterator[Finding]:
    try:
        connection = broker_connection(settings)
    except (DataflowError, OSError) as fault:  # of the embedded one: its folder
        found, _, expected = str(fault).partition("; expected ")
        yield error(BROKER, found, expected, "start it, or set DATAFLOW_BROKER")
        return
    findings = await bootstrap_faults([str(one) for one in _servers(connection)])
    for finding in findings:
        yield finding
    if any(finding.level is Level.ERROR for finding in findings):
        return
    try:
        async with running(await _logged_in(connection)) as admin:
            examined = Examined(settings, role, connection, admin)
            for check in AT_BROKER:
                for finding in await _findings_of(check, examined):
                    yield finding
    except (DataflowError, KafkaError, OSError, TimeoutError) as fault:
        yield await _refused(fault, connection)


async def _refused(fault: BaseException, connection: dict[str, object]) -> Finding:
    """Return why nobody is let in, as far as that can be found out."""
    refusal = await find_refusal(connection)
    what, _, expected = (refusal.text if refusal else _text(fault)).partition("; expected ")
    return error(BROKER, f"broker lets nobody in: {what}", expected or LOG_IN[0], LOG_IN[1])


async def _logged_in(connection: dict[str, object]) -> Admin:
    """Return an admin that can be started: one is, and stopped again, within a time."""
    async with asyncio.timeout(LOGIN_SECONDS), running(Admin(connection)):
        return Admin(connection)


async def _findings_of(check: Check, examined: Examined) -> list[Finding]:
    """Return what one check finds, in its time; an error of it is a finding."""
    name = check.__name__.replace("_", " ")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return [finding async for finding in check(examined)]
    except TimeoutError:
        return [warning(name, f"not answered within {CHECK_SECONDS:g} s", "an answer", LOOK)]
    except (DataflowError, KafkaError, OSError) as fault:
        what, _, expected = _text(fault).partition("; expected ")
        return [error(name, what, expected or "an answer", LOOK)]


def _text(fault: BaseException) -> str:
    return str(fault) if isinstance(fault, DataflowError) else repr(fault)


def _servers(connection: dict[str, object]) -> list[object]:
    servers = connection["bootstrap_servers"]
    assert isinstance(servers, list)
    return servers
