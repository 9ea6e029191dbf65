"""Child processes that end with this one, however it ends: a killed program leaves nothing running."""

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import IO, TypedDict, Unpack

Stream = int | IO[bytes]


class ChildOptions(TypedDict, total=False):
    """What `subprocess.Popen` takes of the same names."""

    env: Mapping[str, str]
    cwd: str | Path
    stdin: Stream
    stdout: Stream
    stderr: Stream
    pass_fds: Sequence[int]
    start_new_session: bool


def start_child(command: Sequence[str], **options: Unpack[ChildOptions]) -> subprocess.Popen[bytes]:
    """Start a process that the kernel kills when ours has ended.

    Where there is no `setpriv` (part of every Linux) the child only ends as its caller ends it.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return subprocess.Popen(command, **options)
    started: Future[subprocess.Popen[bytes]] = Future()
    bound = [setpriv, "--pdeathsig", "KILL", *command]
    threading.Thread(target=_start_and_wait, args=[bound, options, started], daemon=True).start()
    return started.result()


def _start_and_wait(
    command: Sequence[str], options: ChildOptions, started: Future[subprocess.Popen[bytes]]
) -> None:
    """Start the child in a thread that lives as long: its end, not the process', kills the child."""
    try:
        child = subprocess.Popen(command, **options)
    except BaseException as error:  # noqa: BLE001  # start_child() raises it
        started.set_exception(error)
        return
    started.set_result(child)
    with suppress(ChildProcessError):  # whoever owns the child has already taken its exit code
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
