"""Author: who runs a command, as the system knows it; Kafka knows only the credentials of the settings."""

import os
import pwd
import socket


def command_author() -> str:
    """Return whom the process of this command belongs to, and on which machine."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container, say
        user = f"uid {os.getuid()}"
    return f"command line {user}@{socket.gethostname()}"
