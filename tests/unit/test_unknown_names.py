"""Unknown names of requests: what there is, and which one may be meant."""

from http import HTTPStatus

import pytest

from dataflow.http_error import unknown_name

TABLES = ["requests_per_endpoint", "requests_per_status", "stays_per_category"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("requests_per_endpont", "requests_per_endpoint"),
        ("Stays_per_category", "stays_per_category"),
        ("x", ""),
    ],
)
def test_a_name_that_is_misspelt_is_told_which_one_is_meant(given: str, meant: str):
    """A command shows what the worker answers: among twenty names a missing letter is hard to see."""
    error = unknown_name("table", given, TABLES)
    hint = f"; did you mean '{meant}'?" if meant else ""
    expected = "expected requests_per_endpoint, requests_per_status or stays_per_category"
    assert (error.status, str(error)) == (HTTPStatus.NOT_FOUND, f"table is '{given}'; {expected}{hint}")


def test_a_name_of_any_length_is_answered():
    """It stands in an address, which has thousands of characters: only its begin is compared and shown."""
    message = str(unknown_name("table", "requests_per_" * 10_000, TABLES))
    assert len(message) < 300
