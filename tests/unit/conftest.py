"""Fixtures of the tests of settings: an environment without any, and what is told of one with faults."""

import os
from collections.abc import Callable

import pytest

from dataflow.errors import Misconfigured
from dataflow.settings import read_settings


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment of a test name no setting but its own."""
    for name in os.environ:
        if name.upper().startswith("DATAFLOW_"):
            monkeypatch.delenv(name)


@pytest.fixture
def faults_of(monkeypatch: pytest.MonkeyPatch, no_settings: None) -> Callable[..., list[str]]:
    """Return a function: an environment in, the lines of the error out."""

    def faults(**environment: str) -> list[str]:
        for name, text in environment.items():
            monkeypatch.setenv(name, text)
        with pytest.raises(Misconfigured) as raised:
            read_settings()
        return str(raised.value).splitlines()

    return faults
