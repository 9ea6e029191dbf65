"""`dataflow secrets init`: makes every secret that a deployment needs, each a file."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import notes, page, people_read, print_json, table_of
from dataflow.errors import Misconfigured

if TYPE_CHECKING:
    from dataflow.provisioning.secret_folder import FileState

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the files; made if missing.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="SERVER=NAME[,...]: further names or addresses of a server."),
]
Days = Annotated[int, typer.Option(min=1, max=3_650, help="How long certificates of servers are valid.")]
Mounted = Annotated[str, typer.Option(help="Where containers find the files.")]
ForContainers = Annotated[
    bool,
    typer.Option(
        "--for-containers",
        help="Files are readable for every user of a container that they are mounted into; "
        "the folder stays closed to others.",
    ),
]


def init(
    folder: Folder,
    hosts: Hosts = None,
    days: Days = 730,
    mounted: Mounted = "/run/secrets",
    for_containers: ForContainers = False,
) -> None:
    """Make every secret that a deployment needs, each a file that only you can read.

    Passwords of Kafka (a user for each role), PostgreSQL, S3, OpenSearch and Grafana, the secret of the
    workers, the access file with its first admin, and a private CA with certificates for kafka, workers,
    postgres, s3 and opensearch. Files that are there are kept: delete one to have it made anew, and with
    a password also what is made of it (differs). In a pipe the output is JSON, without secrets.

    \b
    Example:
      dataflow secrets init secrets
      dataflow secrets init secrets --host workers=events.example.com,192.0.2.7 --for-containers
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
            hint = f"{name} is not what would be made now; delete it and run this again to have it made anew"
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
        names.setdefault(server, []).extend(found)
    return names
