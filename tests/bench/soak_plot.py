"""A soak as a picture: one SVG with a panel for each figure, light and dark."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, PANEL, GAP, LEFT, TOP = 900, 110, 46, 70, 50
STYLE = """
    text { fill: #1d252d; font: 12px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
    .bg { fill: #ffffff; } .grid { stroke: #d5dbe1; } .head { font-weight: 600; }
    .a { stroke: #3b78b5; } .b { stroke: #b5532a; } .line { fill: none; stroke-width: 1.8; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e8edf2; } .bg { fill: #12171d; } .grid { stroke: #3a4550; }
      .a { stroke: #5b9bd8; } .b { stroke: #e98a5d; }
    }
"""
PANELS = (
    ("Memory of the worker (RSS), MB", ("resident_mb",)),
    ("Cores of the worker", ("cores",)),
    ("From produce() to a read_committed consumer, ms: p50 and p99", ("p50_ms", "p99_ms")),
    ("Mean time of a checkpoint, ms", ("checkpoint_ms",)),
    ("Changelog on the broker's disk, MB", ("changelog_mb",)),
)

Figures = Mapping[str, float]


def plot(title: str, minutes: Sequence[Figures]) -> str:
    """Return the SVG; minutes are rows with the figures of all panels."""
    height = TOP + len(PANELS) * (PANEL + GAP)
    panels = "".join(
        _panel(TOP + number * (PANEL + GAP), name, figures, minutes)
        for number, (name, figures) in enumerate(PANELS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title><style>{STYLE}</style>\n"
        f'<rect class="bg" width="{WIDTH}" height="{height}"/>\n'
        f'<text class="head" x="16" y="24">{escape(title)}</text>\n{panels}</svg>\n'
    )


def _panel(top: float, name: str, figures: Sequence[str], minutes: Sequence[Figures]) -> str:
    highest = max(row[figure] for row in minutes for figure in figures) * 1.15 or 1.0
    last = minutes[-1]["minutes"]
    bottom = top + PANEL

    def at(row: Figures, figure: str) -> str:
        x = LEFT + row["minutes"] / last * (WIDTH - LEFT - 20)
        return f"{x:.1f},{bottom - row[figure] / highest * (PANEL - 16):.1f}"

    lines = "".join(
        f'<polyline class="line {colour}" points="{" ".join(at(row, figure) for row in minutes)}"/>\n'
        for colour, figure in zip("ab", figures, strict=False)
    )
    edge = WIDTH - 20
    return (
        f'<text x="{LEFT}" y="{top + 4}">{escape(name)}</text>\n'
        f'<line class="grid" x1="{LEFT}" y1="{bottom}" x2="{edge}" y2="{bottom}"/>\n'
        f'<line class="grid" x1="{LEFT}" y1="{top + 16}" x2="{edge}" y2="{top + 16}"/>\n'
        f'<text x="{LEFT - 8}" y="{bottom + 4}" text-anchor="end">0</text>\n'
        f'<text x="{LEFT - 8}" y="{top + 20}" text-anchor="end">{_number(highest)}</text>\n'
        f'<text x="{LEFT}" y="{bottom + 18}">0</text>\n'
        f'<text x="{edge}" y="{bottom + 18}" text-anchor="end">{last:.0f} min</text>\n{lines}'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
