"""Configuration: the page has every setting as it is declared."""

import re

from markdown_pages import ROOT

from dataflow.settings import Settings, variable_of
from dataflow.settings.reference import page

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_the_page_is_made_of_the_declarations():
    """Run `python -m dataflow.settings.reference > docs/configuration.md` after a change of a setting."""
    assert page() == PAGE


def test_every_setting_has_a_row_with_its_meaning():
    """A base of `Settings` in another folder would be left out without a word."""
    rows = re.findall(r"^\| `(DATAFLOW_\w+)` \|.*\| ([^|]+(?:\\\|[^|]*)*) \|$", PAGE, re.MULTILINE)
    assert sorted(variable for variable, _ in rows) == sorted(map(variable_of, Settings.model_fields))
    assert all(meaning.strip() for _, meaning in rows)
