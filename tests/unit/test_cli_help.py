"""Help of every command that there is: it fits a terminal, and it teaches."""

import re
import sys

import pytest
from harness.command_tree import every_command
from harness.on_terminal import SIZES, on_terminal, whole

from dataflow.cli.program import run

ALL_HELP = """
import sys
from harness.command_tree import every_command
from dataflow.cli.program import run
for path in every_command():
    print(">>>", *path, flush=True)
    assert run([*path, "--help"]) == 0
"""


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_help_fits(width: int, height: int, tmp_path):
    """Half of the people who read it have 80 columns; a summary that is cut off with dots says nothing."""
    lines = on_terminal(width, height, folder=tmp_path, program=["-c", ALL_HELP])
    shown = [line for line in lines if line.startswith(">>>")]
    assert [tuple(line.split()[1:]) for line in shown] == [*every_command()]
    assert whole([line for line in lines if line not in shown], width)
    assert not [line for line in lines if re.fullmatch(r"  [a-z-]+ .*\.\.\.", line)]


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_help_has_examples_and_no_words_of_python(path: tuple[str, ...], capsys):
    """An example teaches more than a list of options, and `<FileBinaryWrite>` teaches nothing."""
    assert run([*path, "-h"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"<\w+(\[\w+\])?( range)?>|[{}]\.*$", text, re.MULTILINE) is None
    if path:
        examples = text.partition("Example:")[2].partition("\n\n")[0]
        assert f"dataflow {' '.join(path)}" in examples


def test_the_name_of_the_program_is_that_of_the_command(capsys):
    """`python -m dataflow` is not what a reader can repeat."""
    assert run(["topics", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: dataflow topics [OPTIONS]\n")
    assert sys.argv[0] != "dataflow"
