"""Selections: what of a table a request reads; what does not go together is refused, not ignored."""

import pytest

from dataflow.engine.tables import WindowedTable
from dataflow.http_error import HttpError
from dataflow.web.table_request import TableRequest, select

TABLE = WindowedTable("requests", key="status")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"top": 3}, "top is '3'; expected none with keys=together"),
        ({"order": "key"}, "order is 'key'; expected none with keys=together"),
    ],
)
def test_one_entry_for_all_keys_has_no_order_and_no_first_ones(given, error):
    """Whoever asks for the sum of the ten greatest would take that of all for it."""
    with pytest.raises(HttpError, match=error):
        select(TABLE, TableRequest(name="requests", keys="together", **given))
    assert select(TABLE, TableRequest(name="requests", keys="together")).choice.is_together
