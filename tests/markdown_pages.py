"""Markdown: the pages of this repository, and what a reader follows, types or looks up in them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SHELL = {"", "sh", "bash", "shell", "console"}
OTHERS = {".venv", ".git", ".dataflow", ".pytest_cache", "build"}


class Command(NamedTuple):
    """A command that a page names; those of a block are to be typed as they stand."""

    page: str
    words: str
    is_in_block: bool


@cache
def files_of_the_repository() -> frozenset[str]:
    """Return the paths of all files and folders, relative to the root."""
    tops = [path for path in ROOT.iterdir() if path.name not in OTHERS]
    return frozenset(str(path.relative_to(ROOT)) for top in tops for path in (top, *top.rglob("*")))


def pages() -> list[Path]:
    """Return all Markdown files that belong to the repository."""
    return sorted(ROOT / path for path in files_of_the_repository() if path.endswith(".md"))


def name_of(page: Path) -> str:
    """Return how a failing test calls a page."""
    return str(page.relative_to(ROOT))


def prose(text: str) -> str:
    """Return a text without its blocks of code."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchors that a code host gives to the headings of a page, and those that it sets itself."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(prose(text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    repeated = {f"{slug}-{number}" for slug, times in found.items() for number in range(1, times + 1)}
    return {*found, *repeated, *re.findall(r'<a (?:id|name)="([^"]+)"', text)}


def links(text: str) -> list[str]:
    """Return the targets of links and images that are not elsewhere on the web."""
    read = INLINE.sub("", prose(text))
    targets = {*LINK.findall(read), *re.findall(r'(?:src|srcset|href)="([^"]+)"', read)}
    return [one for one in targets if not re.match(r"[a-z]+:", one)]


def commands(program: str) -> Iterator[Command]:
    """Yield the commands of a program on all pages: those in backticks, and the lines of blocks."""
    start = rf"(?:\$ )?(?:[A-Z_]+=\S* )*({program} [a-z-][^#|&<>\n]*)"
    for page in pages():
        text = page.read_text("utf-8")
        for code in INLINE.findall(prose(text)):
            if found := re.match(rf"{start}$|{start}[#|&<>]", code):
                yield Command(name_of(page), (found[1] or found[2]).strip(), is_in_block=False)
        for _, language, block in FENCE.findall(text):
            if language in SHELL:
                joined = re.sub(r"\\\n\s*", "", block)
                for line in re.findall(rf"^\s*{start}", joined, re.MULTILINE):
                    yield Command(name_of(page), line.strip(), is_in_block=True)
