"""Vendored files: exactly those of a release, with their licence beside them."""

from hashlib import sha256
from importlib.resources import files

import pytest

STATIC = files("dataflow.web").joinpath("static")

UPLOT_1_6_32 = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot.LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""As `npm pack uplot@1.6.32` has them."""


@pytest.mark.parametrize("name", UPLOT_1_6_32)
def test_a_vendored_file_is_the_one_of_its_release(name: str):
    """Who edits it, or exchanges it, has to say so here."""
    assert sha256(STATIC.joinpath(name).read_bytes()).hexdigest() == UPLOT_1_6_32[name]


def test_its_licence_is_there():
    """MIT asks for it in all copies."""
    assert STATIC.joinpath("uPlot.LICENSE.txt").read_text().startswith("The MIT License")
