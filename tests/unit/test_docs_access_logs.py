"""The page on access logs: what it names is what there is, and its examples work."""

import re
import shlex
from pathlib import Path

import pytest

from dataflow.settings import variable_of
from dataflow.settings.stages import StageSettings
from dataflow.stages.access_log import line_parser
from dataflow.stages.access_log.named import format_files

PAGE = (Path(__file__).parents[2] / "docs" / "access-logs.md").read_text()


def test_every_named_format_is_on_the_page_and_no_other():
    """A format that nobody knows of is not used."""
    table = PAGE[PAGE.index("| name | lines of |") : PAGE.index("The format of a line depends")]
    cells = [row.split("|")[1] for row in table.strip().splitlines()[3:]]
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert named == set(format_files())


def test_the_settings_of_the_page_exist():
    """A misspelt variable would be ignored."""
    variables = {variable_of(name) for name in StageSettings.model_fields}
    assert set(re.findall(r"`(DATAFLOW_ACCESS_LOG_\w+)`", PAGE)) <= variables


@pytest.mark.parametrize("line", re.findall(r"^export DATAFLOW_ACCESS_LOG_FORMAT=.*$", PAGE, re.MULTILINE))
def test_the_formats_of_the_page_can_be_used(line):
    """They are copied into a shell."""
    [_, assignment] = shlex.split(line)
    assert line_parser(assignment.partition("=")[2]).unreadable == {}
