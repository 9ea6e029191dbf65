"""The campaign without its servers: what it draws, how it shrinks, and that garbage is told from events."""

from collections.abc import Sequence

import pytest
from chaos.campaign.access_lines import is_garbage, line, number_of, outcome_of_line
from chaos.campaign.campaign import Step, Struck, draw
from chaos.campaign.load import event_of, garbage_of
from chaos.campaign.registry import all_faults
from chaos.campaign.report import as_markdown
from chaos.campaign.shrinking import shrink


def test_a_seed_draws_the_same_faults_and_every_kind_before_any_comes_again():
    """Who gets the seed of a failure must get the failure."""
    kinds = len(all_faults())
    steps = draw(2 * kinds, 5)
    assert steps == draw(2 * kinds, 5) != draw(2 * kinds, 6)
    assert {step.fault for step in steps[:kinds]} == {*all_faults()}


def test_a_step_is_read_as_it_is_written():
    """The sequence of a report is the argument of the next run."""
    assert Step.parse(str(Step("kill_broker", 17))) == Step("kill_broker", 17)


@pytest.mark.parametrize("wanted", [{3}, {0, 9}, {2, 3, 7}, set(range(10))])
def test_shrinking_finds_the_faults_that_matter(wanted: set[int]):
    """Of a hundred faults two or three make the failure; nobody can read the others."""
    tried: list[Sequence[int]] = []

    def fails(steps: Sequence[int]) -> bool:
        tried.append(steps)
        return wanted <= {*steps}

    assert shrink(range(10), fails) == sorted(wanted)
    assert len(tried) < 100


def test_the_load_has_garbage_of_every_kind_and_more_events():
    """A load of good events alone proves nothing about the others."""
    values = [event_of(("expedia", 1), number, 3) for number in range(2_000)]
    assert {*garbage_of("expedia")} <= {*values}
    assert sum(value in garbage_of("expedia") for value in values) < 100


def test_lines_are_known_again_by_their_numbers():
    """Two lines with one number would hide that one is lost."""
    numbers = [number_of(line(number)) for number in range(100)]
    assert numbers == [None if is_garbage(number) else number for number in range(100)]
    assert outcome_of_line(10).tables["requests_per_status"].key == "500"


def test_the_table_names_each_fault_once_with_its_longest_silence():
    """The report is for people: a hundred lines are none."""
    struck = [Struck(Step("scale", n), 1.0, seconds) for n, seconds in enumerate((2.0, 9.0, 3.0))]
    assert "| scale | 3 | 3.0 | 9.0 |" in as_markdown(struck, 1_000, 7)
