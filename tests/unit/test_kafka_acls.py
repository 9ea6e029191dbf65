"""Rights and topics of what agents read: also where an agent is switched on by a setting."""

import pytest

from dataflow.provisioning.kafka_acls import RIGHTS, acls_of
from dataflow.settings import Role, Settings
from dataflow.topics import declared_topics, read_topics


@pytest.mark.parametrize("is_typed", [False, True])
def test_what_an_enriching_worker_reads_has_its_rights_and_its_changelog(is_typed: bool):
    """A worker without one of them starts, and pauses that stream for good."""
    settings = Settings(cdn_parsed=is_typed)
    read = read_topics(settings)
    changelogs = {f"dataflow-{topic}-changelog" for topic in read}
    assert changelogs <= {topic.name for topic in declared_topics(settings)}
    allowed = {(str(acl.kind), acl.name, str(acl.operation)) for acl in acls_of(Role.ENRICH, settings)}
    wanted = {("topic", topic, "Read") for topic in (*read, *changelogs)}
    wanted |= {("topic", topic, "Write") for topic in changelogs}
    assert wanted <= allowed
    assert ("cdn-logs-filtered" in read) is is_typed


def test_every_role_has_rights():
    """A worker of a role that is forgotten may do nothing."""
    assert {role.value for role in Role} < set(RIGHTS)
