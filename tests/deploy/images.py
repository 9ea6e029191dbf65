"""Images where no registry is reached: a Debian of packages is the base of all of them."""

import os
import shutil
import subprocess
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path

from dataflow.demo.broker.jars import cache_folder

ROOT = Path(__file__).parents[2]
FOLDER = cache_folder() / "images"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PACKAGES = "ca-certificates,openjdk-17-jre-headless,postgresql-15,wget,curl,libsqlite3-0,libffi8,libreadline8"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASE = f"localhost/debian:{sha256(f'{PACKAGES} {sys.version}'.encode()).hexdigest()[:12]}"
"""Named by what is in it, so that another Python makes another one."""


def base_image() -> str:
    """Return the base, in the storage of buildah; it is made once."""
    if not _output("buildah", "images", "--quiet", "--filter", f"reference={BASE}"):
        root = FOLDER / "debian"
        _debian(root)
        container = _output("buildah", "from", "scratch")
        _output("buildah", "add", "--quiet", container, str(root), "/")
        _output("buildah", "config", "--env", PATH, container)
        _output("buildah", "commit", "--quiet", "--rm", container, BASE)
        shutil.rmtree(root)
    return BASE


def _debian(root: Path) -> None:
    """Make a folder with Java, PostgreSQL and the Python that runs this: Debian's own is too old.

    CPython before 3.11.5 does not match some of our patterns as it should (gh-106052).
    """
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), MIRROR]
    subprocess.run(command, check=True, stdout=sys.stderr)
    shutil.rmtree(root / "var/cache/apt/archives")
    _copy_python(root / "usr/local")
    subprocess.run(["chroot", str(root), "ldconfig"], check=True)


def _copy_python(place: Path) -> None:
    home, name = Path(sys.base_prefix), f"python{sysconfig.get_python_version()}"
    shutil.copy(home / "bin" / name, place / "bin" / name)
    (place / "bin" / "python3").symlink_to(name)
    for library in (home / "lib").glob("libpython3*.so*"):
        shutil.copy(library, place / "lib" / library.name, follow_symlinks=False)
    left_out = shutil.ignore_patterns("__pycache__", "test", "site-packages", "config-*")
    shutil.copytree(home / "lib" / name, place / "lib" / name, ignore=left_out, dirs_exist_ok=True)
    (place / "lib" / name / "site-packages").mkdir(exist_ok=True)


def build_program(image: str, *, tree: Path = ROOT, extras: str = "") -> None:
    """Build the Dockerfile of a tree; steps have the network of this machine, and are kept."""
    builder = "IMAGE_BUILDER=buildah bud --layers --isolation chroot --format docker --pull-never"
    own = [builder, "ARGS="]  # not those of the make that runs this
    what = [f"BASE={base_image()}", f"IMAGE={image}", f"EXTRAS={extras}", f"CA={CERTIFICATES}"]
    subprocess.run(["make", "image", *own, *what], cwd=tree, check=True, stdout=sys.stderr)


def build_stand_in(image: str, context: Path, target: str) -> None:
    """Build one of the stand-ins that the Dockerfile of a folder has."""
    options = ("--isolation", "chroot", "--format", "docker", "--pull-never", "--target", target)
    _output(
        "buildah",
        "bud",
        "--quiet",
        *options,
        "--build-arg",
        f"BASE={base_image()}",
        "--tag",
        image,
        str(context),
    )


def pack(image: str, folder: Path) -> Path:
    """Return an archive with an image, as engines read it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sha256(image.encode()).hexdigest()[:12]}.tar"
    path.unlink(missing_ok=True)
    _output("buildah", "push", "--quiet", image, f"docker-archive:{path}:{image}")
    return path


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
