"""`dataflow acl`: prints what the Kafka user of each role needs."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.terminal import people_read, print_json, say
from dataflow.errors import Misconfigured, expected_one_of

if TYPE_CHECKING:
    from dataflow.provisioning.kafka_acls import Acl

KINDS = {"transactional-id": "transactionalId"}
PATTERNS = {"literal": "literal", "prefixed": "prefix"}
"""As Strimzi names them."""

OWN_PRINCIPAL = "User:dataflow-{role}"
_PRINCIPAL = re.compile(r"[A-Za-z]+:\S(?:.*\S)?")

Rights = Mapping[str, "list[Acl]"]
"""By role."""


class AclFormat(StrEnum):
    """How ACLs are printed."""

    SHELL = "shell"
    JSON = "json"
    STRIMZI = "strimzi"


Roles = Annotated[list[str] | None, typer.Argument(metavar="ROLE", help="Only these roles; default: all.")]


def _known_form(principal: str) -> str:
    if not (_PRINCIPAL.fullmatch(principal) and principal.isprintable()):
        raise Misconfigured(
            f"--principal is {principal!a}; expected TYPE:NAME as Kafka has it, such as {OWN_PRINCIPAL}"
        )
    return principal


Principal = Annotated[
    str,
    typer.Option(
        metavar="PRINCIPAL",
        callback=_known_form,
        help="Kafka principal of a role; {role} stands for the role.",
    ),
]
Format = Annotated[
    AclFormat | None,
    typer.Option("--format", help="Default: shell on a terminal, json in a pipe."),
]


Apply = Annotated[
    bool, typer.Option("--apply", help="Create the rights at DATAFLOW_BROKER instead of printing them.")
]


def acl(
    roles: Roles = None,
    principal: Principal = OWN_PRINCIPAL,
    form: Format = None,
    apply: Apply = False,
) -> None:
    """Print the Kafka rights of each role, or create them.

    They are printed as commands of kafka-acls.sh, as JSON, or as KafkaUser resources of Strimzi. A role is
    a value of DATAFLOW_ROLE, or `commands` for the people who run commands. The rights depend on
    DATAFLOW_APP_ID, on DATAFLOW_CDN_PARSED and on the topics in the settings of sinks.

    No role may create topics: run `dataflow topics` as an administrator first.

    \b
    Example:
      dataflow acl enrich ingest
      DATAFLOW_BROKER_USERNAME=admin dataflow acl --apply
      dataflow acl --format shell | BROKER=kafka:9092 CONFIG=admin.properties sh
      dataflow acl --format strimzi | kubectl apply -f -
      dataflow acl --principal 'User:CN={role}' | jq .enrich
    """
    rights = _rights_of(roles)
    if apply:
        _grant(rights, principal)
    else:
        _show(rights, principal, form or (AclFormat.SHELL if people_read() else AclFormat.JSON))


def _rights_of(roles: list[str] | None) -> Rights:
    """Return what these roles need, or all; raise `Misconfigured` for one that there is not."""
    from dataflow.provisioning.kafka_acls import RIGHTS, acls_of
    from dataflow.settings import settings

    for role in roles or ():
        if role not in RIGHTS:
            raise Misconfigured(f"ROLE is '{role}'; {expected_one_of(RIGHTS, role)}")
    return {str(role): acls_of(role, settings()) for role in roles or RIGHTS}


def _show(rights: Rights, principal: str, form: AclFormat) -> None:
    match form:
        case AclFormat.SHELL:
            say("\n".join(_shell_lines(rights, principal)))
        case AclFormat.STRIMZI if principal != OWN_PRINCIPAL:
            raise Misconfigured(
                f"--principal is '{principal}' with --format strimzi; expected none: "
                "the principal of a KafkaUser has its name"
            )
        case AclFormat.STRIMZI:
            say("".join(_kafka_users(rights)).rstrip("\n"))
        case AclFormat.JSON:
            print_json({role: _entries(acls, _principal(principal, role)) for role, acls in rights.items()})


def _grant(rights: Rights, principal: str) -> None:
    """Give each role its rights; those that are there already stay, also those of a release before."""
    from dataflow.cli.kafka import ask_broker
    from dataflow.kafka.acls import GrantedRight, grant

    granted = [
        GrantedRight(_principal(principal, role), str(acl.kind), acl.name, str(acl.operation), acl.is_prefix)
        for role, acls in rights.items()
        for acl in acls
    ]
    ask_broker(lambda connection: grant(connection, granted))
    if people_read():
        say(f"{len(granted)} rights have been created")
    else:
        print_json({"given": len(granted)})


def _principal(pattern: str, role: str) -> str:
    """Return who has a role; braces are in some names of certificates."""
    return pattern.replace("{role}", role)


def _entries(acls: Iterable["Acl"], principal: str) -> Mapping[str, object]:
    resources = [
        {"type": kind, "name": name, "pattern": pattern, "operations": operations}
        for (kind, name, pattern), operations in _by_resource(acls).items()
    ]
    return {"principal": principal, "acls": resources}


def _by_resource(acls: Iterable["Acl"]) -> Mapping[tuple[str, str, str], list[str]]:
    """Return the operations on each resource, by its kind, name and pattern."""
    operations: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for acl in acls:
        pattern = "prefixed" if acl.is_prefix else "literal"
        operations[str(acl.kind), acl.name, pattern].append(str(acl.operation))
    return operations


def _shell_lines(rights: Rights, principal: str) -> Iterator[str]:
    """Yield a line for all resources of a kind that have the same operations: each starts a JVM."""
    for role, acls in rights.items():
        alike: defaultdict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
        for (kind, name, pattern), operations in _by_resource(acls).items():
            alike[kind, pattern, tuple(operations)].append(name)
        for (kind, pattern, same), names in alike.items():
            yield " ".join([
                'kafka-acls.sh --bootstrap-server "$BROKER" --command-config "$CONFIG" --add',
                f"--allow-principal {quote(_principal(principal, role))}",
                *(f"--operation {operation}" for operation in same),
                *(f"--{kind} {name}" for name in names),
                f"--resource-pattern-type {pattern}",
            ])  # fmt: skip


def _kafka_users(rights: Rights) -> Iterator[str]:
    """Yield a KafkaUser for each role, as YAML."""
    import yaml_rs

    from dataflow.provisioning.kafka_users import kafka_user

    for role, acls in rights.items():
        authorized = [
            {
                "resource": {"type": KINDS.get(kind, kind), "name": name, "patternType": PATTERNS[pattern]},
                "operations": operations,
            }
            for (kind, name, pattern), operations in _by_resource(acls).items()
        ]
        yield yaml_rs.dumps({
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaUser",
            "metadata": {"name": kafka_user(role)},
            "spec": {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": authorized},
            },
        })  # fmt: skip
