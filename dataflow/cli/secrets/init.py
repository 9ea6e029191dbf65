"""`dataflow secrets init`: makes every secret that a deployment needs, each in a file."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import notes, page, people_read, print_json, table_of
from dataflow.errors import Misconfigured

if TYPE_CHECKING:
    from dataflow.provisioning.secret_folder import FileState

_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files; it is made if it does not exist.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="SERVER=NAME[,...]", help="More names or addresses of a server; repeatable."),
]
Days = Annotated[int, typer.Option(min=1, max=3_650, help="How many days the certificates of servers are valid.")]
Mounted = Annotated[
    str,
    typer.Option(
        metavar="DIR",
        callback=lambda text: _folder_of_containers(text),
        help="Folder in which containers find the files.",
    ),
]
ForContainers = Annotated[
    bool,
    typer.Option(
        "--for-containers",
        help="Make the files readable for every user of a container that mounts them; the folder itself "
        "stays closed to other users of this machine.",
    ),
]


def init(
    folder: Folder,
    hosts: Hosts = None,
    days: Days = 730,
    mounted: Mounted = "/run/secrets",
    for_containers: ForContainers = False,
) -> None:
    """Make all secrets of a deployment, each in a file.

    They are: passwords for Kafka (one user for each role), PostgreSQL, S3, OpenSearch and Grafana; the
    secret that workers share; the access file with a first admin; and a private CA with certificates for
    kafka, workers, postgres, s3 and opensearch. Only you can read the files.

    Files that exist are kept. Delete a file to make it again. If you delete a password, also delete the
    files that were made from it; they are shown as `differs`. In a pipe the output is JSON, without secrets.

    \b
    Example:
      dataflow secrets init secrets
      dataflow secrets init secrets --host workers=events.example.com,192.0.2.7
      dataflow secrets init secrets --for-containers
    """
    from dataflow.provisioning.deployment_secrets import SecretOptions, make_secrets
    from dataflow.provisioning.secret_folder import SecretFolder

    options = SecretOptions(dict(_host_names(hosts or [])), days, PurePosixPath(mounted))
    made = SecretFolder(folder, for_containers=for_containers)
    make_secrets(made, options)
    _show(folder, made.states)


def _show(folder: Path, states: "Mapping[str, FileState]") -> None:
    if not people_read():
        print_json({"folder": str(folder), "files": states})
        return
    page().print(table_of(("file", "state"), states.items()))
    for name, state in states.items():
        if state == "differs":
            hint = f"{name} differs from what would be made now. Delete it and run this again to replace it."
            notes().print(hint, style="yellow", soft_wrap=True)


def _host_names(given: list[str]) -> dict[str, list[str]]:
    """Read what `--host` says; raise `Misconfigured`."""
    names: dict[str, list[str]] = {}
    for text in given:
        server, equals, hosts = text.partition("=")
        found = [host.strip() for host in hosts.split(",")]
        if not (equals and server.replace("-", "").isalnum() and server.isascii() and all(found)):
            raise Misconfigured(f"--host is '{text}'; expected SERVER=NAME[,...] such as workers=example.com")
        if not all(host.isascii() for host in found):
            raise Misconfigured(f"--host is '{text}'; expected names in ASCII (xn--… for others)")
        if wrong := next((host for host in found if not _is_host(host)), None):
            raise Misconfigured(f"--host is '{text}'; expected a DNS name or an address instead of '{wrong}'")
        names.setdefault(server, []).extend(found)
    return names


def _is_host(text: str) -> bool:
    """Tell whether a client can ask for it: a name that DNS can have, with a wildcard or not, or an address."""
    try:
        ip_address(text)
    except ValueError:
        return _DNS_NAME.fullmatch(text) is not None
    return True


def _folder_of_containers(text: str) -> str:
    if not text.startswith("/") or not text.isprintable():
        raise Misconfigured(f"--mounted is {ascii(text)}; expected an absolute path, such as /run/secrets")
    return text
