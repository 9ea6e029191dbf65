"""Strimzi resources: all topics, and a user for each role; run it to write their files anew."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from deploy.manifests import K8S

from dataflow.provisioning.kafka_acls import RIGHTS, Acl, Kind, acls_of
from dataflow.provisioning.kafka_users import kafka_user
from dataflow.settings import Role, Settings
from dataflow.topics import declared_topics

FOLDER = K8S / "components" / "strimzi"
SETTINGS = Settings(app_id="dataflow", partitions=12)
HEAD = """apiVersion: kafka.strimzi.io/v1
kind: {kind}
metadata:
  name: {name}
  labels:
    strimzi.io/cluster: kafka
spec:
"""
USER = """  authentication:
    type: scram-sha-512
  authorization:
    type: simple
    acls:
"""


def topics() -> str:
    """Return the KafkaTopics."""
    first = "# All topics, as the catalogue declares them. Names that Kubernetes refuses are in topicName.\n"
    return first + "---\n".join(_topics())


def users() -> str:
    """Return the KafkaUsers: all that `dataflow acl` prints, but for workers with every role."""
    first = "# A user for each role, with the rights that `dataflow acl` prints.\n"
    return first + "---\n".join(_user(role) for role in RIGHTS if role != Role.ALL)


def _topics() -> Iterator[str]:
    for topic in declared_topics(SETTINGS):
        name = topic.name.replace("_", "-").lower()
        text = HEAD.format(kind="KafkaTopic", name=name)
        text += f"  topicName: {topic.name}\n" if name != topic.name else ""
        text += f"  partitions: {topic.partitions}\n"
        text += "  config:\n" if topic.configs else ""
        yield text + "".join(f'    {key}: "{value}"\n' for key, value in topic.configs.items())


def _user(role: str) -> str:
    operations: dict[str, list[str]] = defaultdict(list)
    for acl in acls_of(role, SETTINGS):
        operations[_resource(acl)].append(acl.operation.value)
    rights = [
        f"      - resource: {{{resource}}}\n        operations: [{', '.join(allowed)}]\n"
        for resource, allowed in operations.items()
    ]
    return HEAD.format(kind="KafkaUser", name=kafka_user(role)) + USER + "".join(rights)


def _resource(acl: Acl) -> str:
    kind = "transactionalId" if acl.kind is Kind.TRANSACTIONAL_ID else acl.kind.value
    return f"type: {kind}, name: {acl.name}, patternType: {'prefix' if acl.is_prefix else 'literal'}"


FILES = {"topics.yaml": topics, "users.yaml": users}

if __name__ == "__main__":
    for name, make in FILES.items():
        (FOLDER / name).write_text(make())
