"""SIGTERM ends the commands of the demo as Ctrl-C does."""

import subprocess
import sys

TWICE = """
import os, signal, time
from dataflow.demo.play.foreground import stop_on_sigterm

stop_on_sigterm()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
    print("ended in order")
"""


def test_a_second_one_does_not_break_the_end_that_is_under_way():
    """A make sends it to what it has started, which has had it already: the demo ended with a traceback."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended in order\n", "")
