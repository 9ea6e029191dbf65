"""Rights: a broker lets in whom `dataflow acl` gives them, and the doctor sees which are missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.relay import until
from harness.role_broker import RoleBroker, as_logged, role_broker

from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.cli.doctor.finding import Examined
from dataflow.cli.doctor.rights import rights
from dataflow.cli.doctor.topics import topics
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.provisioning.kafka_acls import acls_of
from dataflow.provisioning.kafka_users import COMMANDS
from dataflow.settings import Role, read_settings
from dataflow.sinks.configured import configured_sinks, runner_options
from dataflow.sinks.runner import SinkRunner
from dataflow.sinks.status import sink_statuses
from dataflow.topic_watch import TopicWatch
from dataflow.topics import declared_topics, ensure_topics

APP = "dataflow"
EVENT = b'{"device_id":"d","event_type":"REVENUE","created_on":"2026-01-31T12:00:00Z"}'


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleBroker]:
    """Return a broker with all topics, and the users of `secrets init`."""
    settings = read_settings()
    with role_broker(tmp_path_factory.mktemp("roles"), settings) as broker:
        for topic in declared_topics(settings):
            broker.kafka.create_topics(topic.name, topic.partitions, **topic.configs)
        yield broker


async def test_each_right_that_is_missing_is_found_by_a_request_that_does_nothing(roles: RoleBroker):
    """A worker would find it out at night, and the doctor must not fence a producer to find out."""
    settings = read_settings()
    for role in (Role.ENRICH.value, Role.SINK_CSV.value, COMMANDS):
        login = roles.connection(role)
        async with running(Admin(login)) as admin:
            [finding] = [one async for one in rights(Examined(settings, role, login, admin))]
            assert (finding.level, finding.check) == ("ok", "rights"), finding
    login = roles.connection(Role.SINK_CSV.value)
    async with running(Admin(login)) as admin:
        found = [one.found async for one in rights(Examined(settings, Role.ENRICH.value, login, admin))]
    owned = {as_logged(acl) for acl in acls_of(Role.SINK_CSV, settings)}
    missing = [acl for acl in acls_of(Role.ENRICH, settings) if as_logged(acl) not in owned]
    assert len(found) == len([acl for acl in missing if acl.name != f"{APP}-"]) + 1
    assert "User:dataflow-sink-csv is denied operation READ on group dataflow" in found
    assert "User:dataflow-sink-csv is denied operation WRITE on topic expedia_ext" in found
    begin = "User:dataflow-sink-csv is denied operation WRITE on transactional-id names that begin with"
    assert f"{begin} {APP}-" in found


async def test_what_is_hidden_from_a_user_is_not_called_missing(roles: RoleBroker):
    """The user of a sink may not describe changelogs, and the doctor advised it to make them."""
    settings, login = read_settings(), roles.connection(Role.SINK_CSV.value)
    changelogs = {topic.name for topic in declared_topics(settings) if topic.name.endswith("-changelog")}
    report = await ensure_topics(login, declared_topics(settings), create=False)
    assert {*report.hidden} == changelogs
    assert not {difference.topic for difference in report.differences} & changelogs
    async with running(Admin(login)) as admin:
        found = [one async for one in topics(Examined(settings, Role.SINK_CSV.value, login, admin))]
    assert [one.level for one in found] == ["warning"]
    assert "User:dataflow-sink-csv may not describe dataflow-" in found[0].found


async def test_none_of_the_rights_of_a_sink_is_too_many(roles: RoleBroker, tmp_path: Path):
    """Each is asked for by something that a sink worker does: without it, that would fail."""
    role, topic = Role.SINK_CSV.value, ANALYTICS_EVENTS.name
    settings = read_settings().model_copy(update={"role": Role.SINK_CSV, "csv_dir": tmp_path / "csv"})
    login = roles.connection(role)
    roles.kafka.produce(topic, [EVENT, b"no JSON", EVENT], partition=0)
    [sink] = configured_sinks(settings)
    runner = SinkRunner(sink, runner_options(settings, login))
    await runner.start()
    await until(lambda: _committed(runner) == 3, "what is stored")
    await TopicWatch(settings, login)._look()
    [csv] = await sink_statuses(login, settings.app_id, {sink.name: set(sink.topics)})
    async with running(Admin(login)) as admin:  # as its page does, to ask the workers that have the tables
        assert await admin.members(settings.app_id) == []
    await runner.stop()
    assert (csv.workers, csv.lag.records) == (1, 0)
    assert [letter.value for letter in roles.kafka.read_topic(DEAD_LETTERS.name)] == [b"no JSON"]
    assert {as_logged(acl) for acl in acls_of(role, settings)} - roles.used(role) == set()


def _committed(runner: SinkRunner) -> int:
    return sum(partition.committed_offset for partition in runner.partitions.values())
