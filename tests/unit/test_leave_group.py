"""Members that leave their group: what its coordinator refuses is told as any other refusal is."""

from types import SimpleNamespace

import pytest

from dataflow.kafka.errors import GroupAuthorizationFailedError, missing_right
from dataflow.kafka.leave_group import remove_members


class Coordinator:
    """A client whose broker denies READ of the group, and lets it be described."""

    async def coordinator_lookup(self, *_: object) -> int:
        """Return the only node."""
        return 0

    async def ready(self, *_: object, **__: object) -> None:
        """Be connected."""

    async def send(self, *_: object, **__: object) -> SimpleNamespace:
        """Answer."""
        return SimpleNamespace(error_code=GroupAuthorizationFailedError.errno, members=[])


async def test_a_right_that_is_missing_is_named_by_the_group_alone():
    """An ACL is made of that name: it said `READ on group group dataflow keeps enrich-3`."""
    with pytest.raises(GroupAuthorizationFailedError) as raised:
        await remove_members(Coordinator(), "dataflow", ["enrich-3"])
    assert missing_right(raised.value) == "operation READ on group dataflow"
