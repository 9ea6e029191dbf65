"""Programs of the cluster: those of Kubernetes in one binary, built once and kept."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dataflow-cluster"
MODULES: Final = {
    "kustomize": ("sigs.k8s.io/kustomize/kustomize/v5@v5.8.1", "."),
    "metrics-server": ("sigs.k8s.io/metrics-server@v0.8.0", "./cmd/metrics-server"),
    "prometheus-adapter": ("sigs.k8s.io/prometheus-adapter@v0.12.0", "./cmd/adapter"),
}
"""Programs that are built from their Go module, and where they are in it."""
INSTALLED: Final = (
    *("containerd", "runc", "etcd", "iptables", "buildah", "debootstrap"),
    *("ctr", "nsenter", "unshare", "ip", "openssl", "curl", "go", "prometheus"),
)
PACKAGES: Final = (
    "apt-get install --no-install-recommends containerd runc etcd-server containernetworking-plugins "
    "iptables buildah debootstrap prometheus, and Go"
)


def missing() -> str | None:
    """Return why no cluster can be started here; None: one can."""
    if os.geteuid() != 0:
        return "the user is not root; expected root, for namespaces and containers"
    if not Path("/sys/fs/cgroup/cpuset").is_dir():
        return "there is no cgroup v1; expected /sys/fs/cgroup/cpuset, which node.sh knows"
    lacking = [name for name in INSTALLED if shutil.which(name) is None]
    return f"{', '.join(lacking)} not found; expected: {PACKAGES}" if lacking else None


def hyper() -> Path:
    """Return the binary with the programs of Kubernetes; built first, in some 17 minutes of CPU."""
    source = HERE / "hyper"
    digest = hashlib.sha256((source / "go.sum").read_bytes()).hexdigest()[:16]
    binary = CACHE / "bin" / f"hyper-{digest}"
    if not binary.exists():
        flags = "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4"
        _go("build", "-trimpath", "-ldflags", flags, "-o", str(binary), ".", folder=source)
    return binary


def installed(name: str) -> Path:
    """Return a program of `MODULES`: that of the machine, or one that is built now."""
    if (found := shutil.which(name)) is not None:
        return Path(found)
    binary = CACHE / "bin" / name
    if not binary.exists():
        module, package = MODULES[name]
        _go("build", "-ldflags", "-s -w", "-o", str(binary), package, folder=module_folder(module))
    return binary


def pause() -> Path:
    """Return the program that holds the namespaces of a pod."""
    binary = CACHE / "bin" / "pause"
    if not binary.exists():
        _go("build", "-ldflags", "-s -w", "-o", str(binary), str(HERE / "pause.go"), folder=HERE)
    return binary


def module_folder(module: str) -> Path:
    """Return where Go has put a module; it is downloaded first."""
    download = ["go", "mod", "download", "-json", module]
    done = subprocess.run(download, cwd="/", capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def _go(*arguments: str, folder: Path) -> None:
    (CACHE / "bin").mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"CGO_ENABLED": "0"}
    subprocess.run(["go", *arguments], cwd=folder, env=environment, check=True)
