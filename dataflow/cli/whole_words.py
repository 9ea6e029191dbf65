"""Whole words: a table that is narrowed to a terminal without cutting words, as long as that is possible."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

LONGEST_WORD = 44
"""Characters of a word that is not cut; longer ones are paths and the like."""
ONE_LINE = 20
"""Characters of a column that is not wrapped where another one can be."""
SHORT = 8
"""Letters of a heading that stays whole where longer ones are cut, rather than what stands below them."""


class _Widths(NamedTuple):
    """What a column takes: in one line, with whole words, and its heading alone."""

    natural: int
    words: int
    heading: int
    is_whole: bool
    """Whether it is never wrapped: names."""


class WholeWords(Table):
    """A table as Rich has it, which would narrow the widest columns first, and cut their words.

    Where there is no room, spaces beside the lines go first, then long headings are cut, then long words.
    """

    _texts: Sequence[Sequence[Text]] = ()
    """Below each heading."""

    def fill(self, rows: Sequence[Sequence[str]]) -> None:
        """Put in all rows, once the columns are there; no markup is read from them."""
        lines = [[Text(text) for text in row] for row in rows]
        self._texts = list(zip(*lines, strict=True)) if lines else [()] * len(self.columns)
        for line in lines:
            self.add_row(*line)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it at the width that there is."""
        columns = list(self._measured(console, options))
        for padding, least in _choices(columns):
            room = options.max_width - 1 - len(columns) * (1 + 2 * padding)
            if sum(least) <= room:
                self.padding = (0, padding)
                natural = [column.natural for column in columns]
                for column, width in zip(self.columns, spread(least, natural, room), strict=True):
                    column.width = width
                break
        yield from super().__rich_console__(console, options)

    def _measured(self, console: Console, options: ConsoleOptions) -> Iterator[_Widths]:
        unbounded = options.update(max_width=10_000)

        def measured(shown: RenderableType) -> Measurement:
            return Measurement.get(console, unbounded, shown)

        for column, texts in zip(self.columns, self._texts, strict=True):
            heading, below = measured(column.header), list(map(measured, texts))
            natural = max((one.maximum for one in below), default=0)
            words = natural if column.no_wrap else max((one.minimum for one in below), default=0)
            whole = min(words, LONGEST_WORD)
            yield _Widths(max(heading.maximum, natural), whole, heading.minimum, column.no_wrap)


def _choices(columns: Sequence[_Widths]) -> Iterator[tuple[int, list[int]]]:
    """Yield spaces beside each line and least widths of the columns, the best choice first."""
    whole = [max(column.words, column.heading) for column in columns]
    yield (
        1,
        [
            one.natural if one.natural <= ONE_LINE else least
            for one, least in zip(columns, whole, strict=True)
        ],
    )
    yield 1, whole
    yield 0, whole
    yield 0, [max(column.words, column.heading if column.heading <= SHORT else 0) for column in columns]
    for longest in range(LONGEST_WORD, SHORT, -1):
        yield 0, [one.words if one.is_whole else min(one.words, longest) for one in columns]


def spread(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """Return widths between least and natural ones: what takes most lines gets most of the room."""
    widths = [max(width, 1) for width in least]
    for _ in range(room - sum(widths)):
        position = max(range(len(widths)), key=lambda at: natural[at] / widths[at])
        if widths[position] >= natural[position]:
            break
        widths[position] += 1
    return widths
