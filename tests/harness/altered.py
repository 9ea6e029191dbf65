"""Settings of a topic or a broker that are other ones for a while."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType


@contextmanager
def altered(address: str, kind: ResourceType, name: str, settings: Mapping[str, str]) -> Iterator[None]:
    """Give a topic or a broker other settings for a while."""
    admin = AdminClient({"bootstrap.servers": address})

    def alter(how: AlterConfigOpType, values: Mapping[str, str]) -> None:
        if not values:
            return
        entries = [ConfigEntry(one, value, incremental_operation=how) for one, value in values.items()]
        resource = ConfigResource(kind, name, incremental_configs=entries)
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(30)

    [found] = [done.result(30) for done in admin.describe_configs([ConfigResource(kind, name)]).values()]
    before = {one: found[one].value for one in settings if not found[one].is_default}
    alter(AlterConfigOpType.SET, settings)
    try:
        yield
    finally:
        alter(AlterConfigOpType.SET, before)
        alter(AlterConfigOpType.DELETE, dict.fromkeys(settings.keys() - before.keys(), ""))
