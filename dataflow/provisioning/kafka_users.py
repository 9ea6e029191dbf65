"""Kafka users: one for each role of a worker, one for commands, and one that may do everything."""

from typing import Final

from dataflow.settings import Role

ADMIN: Final = "admin"
"""Starts the broker, and makes topics and ACLs."""

COMMANDS: Final = "commands"
"""Runs commands such as `dataflow dead-letters`: what people do, and scheduled ingests."""

ROLES: Final = (*(role.value for role in Role), COMMANDS)


def kafka_user(role: str) -> str:
    """Return the name of the Kafka user that has a role."""
    return f"dataflow-{role}"
