"""A newcomer: clones the repository into an empty folder and types what a page tells, as it stands there."""

import os
import re
import shutil
import signal
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from markdown_pages import FENCE, ROOT

DEADLINE_SECONDS = 120
NEEDED = ("bash", "curl", "git", "make")


def is_possible() -> bool:
    """Tell whether there is something to clone, and whether this machine has what the pages use."""
    return (ROOT / ".git").exists() and all(shutil.which(program) for program in NEEDED)


def blocks(page: str, heading: str) -> list[tuple[str, str]]:
    """Return language and text of each block of code below a heading of a page, in their order."""
    text = (ROOT / page).read_text("utf-8")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no heading '{heading}'"
    return [(language, code) for _, language, code in FENCE.findall(found[1])]


@dataclass
class Newcomer:
    """Somebody in the folder of a clone; what is the reader's own on a page, such as a path, is replaced."""

    folder: Path
    own: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    def types(self, command: str) -> str:
        """Run a command to its end, which is one without an error; return all that it prints."""
        done = subprocess.run(
            ["bash", "-c", self._of_ones_own(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}"
        assert "Traceback" not in done.stdout, f"{command}: {done.stdout}"
        return done.stdout

    def exports(self, line: str) -> None:
        """Take a variable into the environment of all that is typed next."""
        name, _, value = self._of_ones_own(line).removeprefix("export ").partition("=")
        self.environment[name] = value

    @contextmanager
    def leaves_running(self, command: str) -> Iterator[Callable[[], str]]:
        """Run a command in a terminal of its own; give what returns its output so far; then press Ctrl-C."""
        log = self.folder.parent / f"{uuid4().hex}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", self._of_ones_own(command)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

        def printed() -> str:
            assert process.poll() is None, f"{command}: {log.read_text()}"
            return log.read_text()

        try:
            yield printed
            os.killpg(process.pid, signal.SIGINT)
            process.wait(DEADLINE_SECONDS)
            assert "Traceback" not in log.read_text(), log.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _of_ones_own(self, command: str) -> str:
        for theirs, ours in self.own.items():
            command = command.replace(theirs, ours)
        return command


def arrive(folder: Path, own: dict[str, str]) -> Newcomer:
    """Clone what is committed; its environment has the packages of this machine, pip among them.

    So make finds all that it would install, without the network. The image installs from nothing. What a
    `make test` was given is its own.
    """
    clone = folder / "dataflow"
    subprocess.run(["git", "clone", "-q", "--no-local", "--depth", "1", f"file://{ROOT}", clone], check=True)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATAFLOW_", "MAKE", "ARGS", "PIP_", "PYTHON", "PYTEST_", "COV"))
    }
    (folder / ".curlrc").write_text("silent\nshow-error\nfail\n")  # it draws a bar where no terminal is
    environment = inherited | {"PIP_NO_INDEX": "1", "CURL_HOME": str(folder)}
    one = Newcomer(clone, own, environment)
    venv.create(clone / ".venv", symlinks=True)
    (clone / ".venv" / "bin" / "pip").touch()  # so make takes it for one of its own
    packages = next((clone / ".venv" / "lib").glob("python*/site-packages"))
    # A path from a .pth file has its own .pth files ignored: the checkout of the tests is not found by it.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return one
