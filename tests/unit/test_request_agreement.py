"""Tables and PostgreSQL: what tables count of a CDN line is what its typed form, which is stored, says."""

import json

import pytest

from dataflow.stages.datastream2.typed import parse_datastream2
from dataflow.stages.filter_rules import read_request

LINE = {
    "statusCode": "200", "bytes": "5", "country": "DE", "cacheStatus": "1", "reqPath": "a",
    "turnAroundTimeMSec": "1", "reqEndTimeMSec": "2", "transferTimeMSec": "3",
}  # fmt: skip
ODD = [
    200, 200.0, "200.0", "200 ", "0200", "+200", "2e2", "1.5e2", "1.55e2", "000", "0", 0, 1, "1.0", 1.0, "2",
    "-", "^", "", None, "200abc", "200.5", 200.5, -1, 99_999, "1000", [200], {"a": 1}, "٢٠٠", 1e16, 1e30,
    "5,000", 2**63, str(2**64), "0x5", "inf", "nan", "1e400", "DE", "D%45", "de",
]  # fmt: skip


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("key", ["statusCode", "bytes", "country", "cacheStatus", "turnAroundTimeMSec"])
def test_a_value_counts_in_tables_as_it_is_stored(key, value):
    """One status written in two ways would be two keys of one table, and one value in PostgreSQL."""
    raw = json.dumps(LINE | {key: value}).encode()
    typed, counted = json.loads(parse_datastream2(raw)), read_request(raw)
    status = typed["status"]
    assert counted.status == ("(none)" if status is None else str(status))
    assert counted.is_error == (status is not None and status >= 500)
    assert counted.bytes == max(0, min(typed["bytes"] or 0, 10**18))
    assert counted.country == (
        None if isinstance(value, list | dict) and key == "country" else typed["country"]
    )
    took = typed["response_time_ms"]
    assert counted.response_time_ms == (None if took is None else float(took))
    assert counted.kind.split()[1] == {True: "hit", False: "miss", None: "-"}[typed["is_cache_hit"]]
