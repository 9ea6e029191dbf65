"""Jars, Kafka's above all: fetches those of a lock file into the cache folder, and checks them."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dataflow.errors import Misconfigured
from dataflow.extras import Extra, the_extra
from dataflow.file_locks import locked
from dataflow.settings import read_settings

LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
DOWNLOADS_AT_ONCE = 8
TIMEOUT_SECONDS = 60

Progress = Callable[[int, int], None]
"""Called with the number of jars that are there and the number wanted."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock file, by its Maven coordinates."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Return the name of the jar in the cache and on Maven Central."""
        return f"{self.artifact}-{self.version}.jar"


def read_lock(text: str) -> list[Jar]:
    """Parse lines of ``group:artifact:version sha256:hex``; ``#`` starts a comment."""
    return [_read_line(line) for line in text.splitlines() if line and not line.startswith("#")]


def _read_line(line: str) -> Jar:
    where, digest = line.split()
    group, artifact, version = where.split(":")
    return Jar(group, artifact, version, digest.removeprefix("sha256:"))


def kafka_jars(progress: Progress) -> list[Path]:
    """Return Kafka's jars, as `locked_jars` does."""
    return locked_jars(LOCK_FILE, "kafka", progress)


def locked_jars(lock_file: Path, name: str, progress: Progress) -> list[Path]:
    """Return the jars of a lock file from folder `name` of the cache, fetched from Maven Central once.

    The order is always the same: a class archive holds for one class path only.
    Raises `Misconfigured` when a jar cannot be fetched or is not the one of the lock file.
    """
    folder = cache_folder() / name
    folder.mkdir(exist_ok=True)
    jars = read_lock(lock_file.read_text())
    with locked(folder / "lock"):
        missing = [jar for jar in jars if not (folder / jar.file_name).exists()]
        for done, _ in enumerate(_fetch(missing, folder), start=len(jars) - len(missing) + 1):
            progress(done, len(jars))
    return sorted(_checked(folder / jar.file_name, jar) for jar in jars)


def _fetch(jars: list[Jar], folder: Path) -> Iterator[Path]:
    if not jars:
        return
    # Next to the cache, so that a jar appears there whole and checked or not at all.
    fetching = TemporaryDirectory(dir=folder, prefix="fetching-")
    with fetching as fresh, ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        paths = pool.map(lambda jar: _download(jar, Path(fresh)), jars)
        for jar, path in zip(jars, paths, strict=True):
            yield _checked(path, jar).replace(folder / jar.file_name)


def _download(jar: Jar, repository: Path) -> Path:
    try:
        # Imported late: it takes 0.3 s that a filled cache need not wait for.
        from jgo.maven import MavenContext
        from requests import RequestException
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"{jar.file_name} is not in the cache, and jgo, which fetches it, is not installed; "
            f"expected {the_extra(Extra.DEMO)}"
        ) from error
    maven = MavenContext(repo_cache=repository, timeout=TIMEOUT_SECONDS)
    try:
        return maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (RequestException, RuntimeError, OSError) as error:
        raise Misconfigured(
            f"{jar.file_name} is not in the cache; expected to fetch it once from Maven Central\n"
            f"without a network, copy {cache_folder()} from a machine that has it "
            f"(DATAFLOW_CACHE_DIR)\n{error}"
        ) from error


def _checked(path: Path, jar: Jar) -> Path:
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read ({error.strerror}); expected a jar") from error
    if digest != jar.sha256:
        raise Misconfigured(
            f"sha256 of {path} is {digest}; expected {jar.sha256}: delete the file and start again"
        )
    return path


def cache_folder() -> Path:
    """Return the folder of DATAFLOW_CACHE_DIR, made if need be."""
    folder = read_settings().cache_dir
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
