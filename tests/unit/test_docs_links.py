"""Links of documents: each leads to a file that is there, and to a heading that it has."""

from urllib.parse import unquote

import pytest
from markdown_pages import ROOT, anchors, links, name_of, pages


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_leads_somewhere(page):
    """A reader who follows one to nowhere does not know what was meant."""
    broken = []
    for link in links(page.read_text("utf-8")):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.exists() and target.is_relative_to(ROOT)
        if not is_there or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            broken.append(link)
    assert not broken


def test_every_page_of_docs_can_be_found():
    """A page to which no index leads is read by nobody."""
    index = {one.partition("#")[0] for one in links((ROOT / "docs" / "README.md").read_text("utf-8"))}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - index <= {"README.md"}


def test_the_anchors_are_those_of_a_code_host():
    """Two headings of one name get a number; code, marks and links leave their words."""
    text = "# A\n## `x` and [y](z.md): *why*?\n## A\n```sh\n# no heading\n```\n"
    assert anchors(text) == {"a", "a-1", "x-and-y-why"}


def test_a_link_in_code_is_none():
    """An example shows one, and leads nowhere."""
    text = "`[a](b)` [c](d.md#e) [f](https://g) ![h](i.png)\n```\n[j](k)\n```\n"
    assert sorted(links(text)) == ["d.md#e", "i.png"]
