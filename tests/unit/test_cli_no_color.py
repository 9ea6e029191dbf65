"""Colours: a terminal shows errors in red, and nothing has a colour where `NO_COLOR` is set."""

from pathlib import Path

import pytest
from harness.on_terminal import on_terminal

EVERY_COMMAND = """
from harness.command_tree import every_command
import dataflow.cli
for path in every_command():
    for option in ("--help", "--helpp"):
        dataflow.cli._run([*path, option])
"""
"""The help of every command, and what every command says of an option that does not exist."""


@pytest.mark.parametrize(("variables", "has_colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_command_uses_colours_where_they_are_not_wanted(
    variables: dict[str, str], has_colours: bool, tmp_path: Path
):
    """See https://no-color.org: some terminals and readers cannot show them."""
    shown = "\n".join(
        on_terminal(
            80, 24, folder=tmp_path, program=("-c", EVERY_COMMAND), TERM="xterm-256color", **variables
        )
    )
    assert shown.count("did you mean '--help'?") > 30
    assert "Traceback" not in shown
    assert ("\x1b[31m" in shown) == has_colours
    assert ("\x1b[" in shown) == has_colours
