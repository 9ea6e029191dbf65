"""Stand-ins: images for docker-compose.yml, built from packages where no registry is reached."""

import os
import shutil
import subprocess
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from deploy.docker_engine import DockerEngine
from sinks.real_servers import OPENSEARCH_LOCK, build_versitygw, versitygw

from dataflow.demo.broker.jars import cache_folder, kafka_jars, locked_jars
from dataflow.errors import Misconfigured

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
FILES = HERE / "stand_ins"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PACKAGES = "ca-certificates,openjdk-17-jre-headless,postgresql-15,wget,curl,libsqlite3-0,libffi8,libreadline8"
BASE = "localhost/stand-in-base"
TARGETS = ("kafka", "postgres", "s3", "opensearch")
PLUGIN_SHA256 = "94a04f12ac6033902209fac1e4e512618d45beee604bbf0e42c3ed79c55220cf"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def build(engine: DockerEngine) -> None:
    """Build them all, and the image of this release; what is there already is kept."""
    root = _debian()
    context = _context(cache_folder() / "compose" / "context")
    _import(engine, root)
    for target in TARGETS:
        command = ["docker", "build", "--quiet", "--build-arg", f"BASE={BASE}", "--target", target]
        engine.run([*command, "--tag", f"stand-in/{target}:1", str(context)])
    _build_dataflow(engine, root)


def _debian() -> Path:
    """Return a Debian with a Java, PostgreSQL and the Python that runs this: Debian's own is too old.

    CPython before 3.11.5 does not match some of our patterns as it should (gh-106052).
    """
    root = cache_folder() / "compose" / "debian"
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), MIRROR]
        subprocess.run(command, check=True, stdout=sys.stderr)
        shutil.rmtree(root / "var/cache/apt/archives")
        _copy_python(root / "usr/local")
        subprocess.run(["chroot", str(root), "ldconfig"], check=True)
        (root / "ready").touch()
    return root


def _copy_python(place: Path) -> None:
    home, name = Path(sys.base_prefix), f"python{sysconfig.get_python_version()}"
    shutil.copy(home / "bin" / name, place / "bin" / name)
    (place / "bin" / "python3").symlink_to(name)
    for library in (home / "lib").glob("libpython3*.so*"):
        shutil.copy(library, place / "lib" / library.name, follow_symlinks=False)
    left_out = shutil.ignore_patterns("__pycache__", "test", "site-packages", "config-*")
    shutil.copytree(home / "lib" / name, place / "lib" / name, ignore=left_out, dirs_exist_ok=True)
    (place / "lib" / name / "site-packages").mkdir(exist_ok=True)


def _context(folder: Path) -> Path:
    """Return a folder with all that the Dockerfile of the stand-ins copies."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FILES, folder)
    build_versitygw()
    program = versitygw()
    assert program is not None, "it was built"
    shutil.copy(program, folder / "versitygw")
    for name, jars in (
        ("kafka", kafka_jars(_silent)),
        ("opensearch", locked_jars(OPENSEARCH_LOCK, "opensearch", _silent)),
    ):
        (folder / "jars" / name).mkdir(parents=True)
        for jar in jars:
            shutil.copy(jar, folder / "jars" / name)
    with ZipFile(_security_plugin()) as packed:
        packed.extractall(folder / "security")
    for script in (folder / "security" / "tools").glob("*.sh"):
        script.chmod(0o755)
    return folder


def _security_plugin() -> Path:
    """Return the package of OpenSearch's security plugin, fetched by Maven once; raise `Misconfigured`."""
    path = cache_folder() / "compose" / "opensearch-security-2.19.1.0.zip"
    if not path.exists():
        artifact = "-Dartifact=org.opensearch.plugin:opensearch-security:2.19.1.0:zip"
        command = ["mvn", "-q", "-B", "-ntp", "dependency:copy", artifact, f"-DoutputDirectory={path.parent}"]
        subprocess.run(command, check=True, stdout=sys.stderr)
    digest = sha256(path.read_bytes()).hexdigest()
    if digest != PLUGIN_SHA256:
        raise Misconfigured(f"sha256 of {path} is {digest}; expected {PLUGIN_SHA256}: delete the file")
    return path


def _silent(_done: int, _wanted: int) -> None:
    """Say nothing of the jars."""


def _import(engine: DockerEngine, root: Path) -> None:
    if engine.run(["docker", "images", "--quiet", BASE]).strip():
        return
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
        path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        subprocess.run(
            ["docker", "import", "--change", path, "-", BASE], stdin=packed.stdout, env=engine.environment,
            check=True, stdout=sys.stderr,
        )  # fmt: skip


def _build_dataflow(engine: DockerEngine, root: Path) -> None:
    """Build the Dockerfile by buildah, whose steps have the network of this machine; hand the image over."""
    if not subprocess.run(
        ["buildah", "images", "-q", BASE], capture_output=True, text=True, check=False
    ).stdout:
        container = _output("buildah", "from", "scratch")
        _output("buildah", "add", "-q", container, str(root), "/")
        _output("buildah", "commit", "-q", "--rm", container, BASE)
    arguments = [f"BASE={BASE}", "IMAGE=dataflow:compose", "EXTRAS=opensearch s3", f"CA={CERTIFICATES}"]
    builder = "IMAGE_BUILDER=buildah bud --isolation chroot --format docker --pull-never"
    own = [builder, "ARGS="]  # not those of the make that runs this
    subprocess.run(["make", "image", *own, *arguments], cwd=ROOT, check=True, stdout=sys.stderr)
    archive = cache_folder() / "compose" / "dataflow.tar"
    archive.unlink(missing_ok=True)
    _output("buildah", "push", "-q", "dataflow:compose", f"docker-archive:{archive}:dataflow:latest")
    engine.run(["docker", "load", "--quiet", "--input", str(archive)])
    archive.unlink()


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
