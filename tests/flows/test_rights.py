"""Rights: a broker lets in whom `dataflow acl` gives them, and the doctor sees which are missing."""

from collections.abc import Iterator

import pytest
from harness.role_broker import RoleBroker, as_logged, role_broker

from dataflow.cli.doctor.finding import Examined
from dataflow.cli.doctor.rights import rights
from dataflow.cli.doctor.topics import topics
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.provisioning.kafka_acls import acls_of
from dataflow.provisioning.kafka_users import COMMANDS
from dataflow.settings import Role, read_settings
from dataflow.topics import declared_topics, ensure_topics

APP = "dataflow"


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
