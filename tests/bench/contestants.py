"""Who takes part: all rows of the table, and those that the words of a command name."""

from collections.abc import Iterable

from contestant import Contestant
from rows.keys import COUNTED_KEYS
from rows.logs import LOGS
from rows.stays import STAYS

CONTESTANTS = (*STAYS, *LOGS, *COUNTED_KEYS)


def chosen(words: Iterable[str]) -> list[Contestant]:
    """Return the rows that a job, a program or a name among the words means; without words all."""
    wanted = {word.lower() for word in words}
    return [c for c in CONTESTANTS if c.is_named(wanted) or (c.always and not wanted)]


def names() -> set[str]:
    """Return what a row may be called by."""
    return {name for c in CONTESTANTS for name in (c.job, c.who, c.name)}


def present(contestants: Iterable[Contestant]) -> tuple[list[Contestant], dict[str, str]]:
    """Make what their programs need; return those that are to be had, and why others are not, by name."""
    there, missing = [], {}
    for contestant in contestants:
        try:
            contestant.program()
        except OSError as error:
            missing[contestant.name] = str(error)
        else:
            there.append(contestant)
    return there, missing
