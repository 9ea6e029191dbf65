"""The wheel: it brings one top-level package, and works beside others that are called as our folders are."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "models", "tables")
FILES = ("LICENSE", "README.md", "pyproject.toml", "setup.py")
FOREIGN = "OWNER = 'somebody else'\n"
MADE = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Return the wheel of a copy of this checkout: building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for room in ("dataflow", *ROOMS):
        shutil.copytree(ROOT / room, folder / "source" / room, ignore=MADE)
    for name in FILES:
        shutil.copy(ROOT / name, folder / "source" / name)
    build = ("pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder))
    subprocess.run([sys.executable, "-m", *build, str(folder / "source")], check=True, timeout=110)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory) -> Path:
    """Return the programs of an environment: the wheel, what it needs, and packages of our names."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    install = ("pip", "--python", str(folder / "bin" / "python"), "install", "-q", "--no-deps", "--no-index")
    subprocess.run([sys.executable, "-m", *install, str(wheel)], check=True, timeout=110)
    packages = next((folder / "lib").glob("python*/site-packages"))
    # A path from a .pth file has its own .pth files ignored: this checkout is not found by it.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for room in ROOMS:
        (packages / room).mkdir()
        (packages / room / "__init__.py").write_text(FOREIGN)
    return folder / "bin"


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment, with no setting."""
    return subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_it_installs_one_top_level_package(wheel):
    """PyTables' `tables` was overwritten by ours, and so would be whatever else has such a name."""
    roots = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"dataflow"}


def test_it_has_every_file_of_the_program(wheel):
    """Formats, pages, SQL and samples too: what is missing is only missed where it is installed."""
    names = set(ZipFile(wheel).namelist())
    for room in ("dataflow", *ROOMS):
        prefix = "" if room == "dataflow" else "dataflow/topology/"
        files = [
            file for file in (ROOT / room).rglob("*") if file.is_file() and "__pycache__" not in file.parts
        ]
        assert files
        missing = {f"{prefix}{file.relative_to(ROOT)}" for file in files} - names
        assert not missing


def test_packages_of_these_names_stay_those_of_their_owners(programs, tmp_path):
    """Also in a process that imports both; only the program looks for its own first."""
    code = f"import dataflow, {', '.join(ROOMS)}; print({', '.join(f'{room}.OWNER' for room in ROOMS)})"
    done = run(programs / "python", "-c", code, cwd=tmp_path)
    assert done.stdout == "somebody else somebody else somebody else\n", done.stderr


@pytest.mark.parametrize("start", [["dataflow"], ["python", "-m", "dataflow"]], ids=" ".join)
def test_the_program_finds_its_own(start, programs, tmp_path):
    """Beside packages of these names, in the environment and in the folder where it is started."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise SystemExit('not ours')\n")
    program, *arguments = start
    listed = run(programs / program, *arguments, "--help", cwd=tmp_path)
    assert "topics" in listed.stdout
    applied = run(programs / program, *arguments, "apply", "stay-category", "/dev/null", cwd=tmp_path)
    assert (applied.returncode, applied.stderr.count("not ours")) == (0, 0), applied.stderr
    asked = run(programs / program, *arguments, "topics", cwd=tmp_path)
    assert "expected `dataflow broker` to run, or DATAFLOW_BROKER" in asked.stderr


def test_faust_finds_all_agents(programs, tmp_path):
    """`faust -A dataflow.app worker` is a worker, too: it begins with another program."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("raise SystemExit('not ours')\n")
    listed = run(programs / "python", "-m", "faust", "-A", "dataflow.app", "agents", cwd=tmp_path)
    assert listed.stdout.count("@agents.") == len(list((ROOT / "agents").glob("[a-z]*.py"))), listed.stderr
