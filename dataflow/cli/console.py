"""Console: a terminal to which nothing of what came from outside goes as a command."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from dataflow.printable import printable_lines


class PlainConsole(Console):
    """Shows text as it is: no markup, no emoji, and escapes for what cannot be printed."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as usual; what moves the cursor is only what rich says itself."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable_lines(text), style, control)
