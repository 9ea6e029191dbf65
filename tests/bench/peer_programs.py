"""Peers' programs, each with an environment of its own in the cache folder, made when first asked for."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from contestant import PEERS, Command, Program

from dataflow.demo.broker.jars import cache_folder
from dataflow.file_locks import locked

READY = "ready"


def by_package(requirements: str, program: str) -> Program:
    """Return a program in Python that has what `requirements` names, and nothing else."""
    return lambda: (_python_with(requirements), str(PEERS / program))


def by_maven(project: str, main: str, *options: str) -> Program:
    """Return a class of a project in Java."""
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return lambda: ("java", *options, quiet, "-cp", _class_path(project), main)


def by_flink(main: str) -> Program:
    """Return a class of the Flink project: its serializers look into Java's own collections."""
    opened = (f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util"))
    return by_maven("flink", main, *opened)


def by_go(project: str, *arguments: str) -> Program:
    """Return a program in Go."""
    return lambda: (_binary(project), *arguments)


def on_path(tool: str, hint: str, *command: str) -> Program:
    """Return a command that needs a tool which the machine has, or has not."""

    def found() -> Command:
        if not shutil.which(tool):
            raise FileNotFoundError(f"{tool} is not on the PATH ({hint})")
        return command

    return found


@cache
def _python_with(requirements: str) -> str:
    wanted = PEERS / "requirements" / f"{requirements}.txt"
    folder = _folder(requirements, wanted)
    python = folder / "bin" / "python"
    with locked(folder.with_suffix(".lock")):
        if not (folder / READY).exists():
            shutil.rmtree(folder, ignore_errors=True)
            _done([sys.executable, "-m", "venv", str(folder)])
            install = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
            _done([str(python), *install, "--requirement", str(wanted)])
            (folder / READY).touch()
    return str(python)


@cache
def _class_path(project: str) -> str:
    _expect("mvn", "java")
    source = PEERS / project
    folders = source, PEERS / "requests"  # what both projects share
    target = _folder(project, *(file for each in folders for file in each.rglob("*") if file.is_file()))
    with locked(target.with_suffix(".lock")):
        if not (target / READY).exists():
            _done(["mvn", "--quiet", "--file", str(source), f"-Dbench.target={target}", "package"])
            (target / READY).touch()
    return f"{target / 'classes'}:{target / 'libs'}/*"


@cache
def _binary(project: str) -> str:
    _expect("go")
    source = PEERS / project
    folder = _folder(project, *source.glob("*.go"), *source.glob("go.*"))
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not (folder / READY).exists():
            _done(["go", "build", "-o", str(folder / project), "."], source)
            (folder / READY).touch()
    return str(folder / project)


def _folder(name: str, *files: Path) -> Path:
    """Return the folder of what is made of these files: another one when they have changed."""
    digest = sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:12]
    folder = cache_folder() / "bench-peers" / f"{name}-{digest}"
    folder.parent.mkdir(exist_ok=True)
    return folder


def _expect(*tools: str) -> None:
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise FileNotFoundError(f"{' and '.join(missing)} not on the PATH")


def _done(command: Sequence[str], folder: Path | None = None) -> None:
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if made.returncode:
        said = (made.stderr.strip() or made.stdout.strip()).splitlines()
        raise OSError(f"{Path(command[0]).name} has failed: {said[-1] if said else made.returncode}")
