"""SIGTERM and a closed terminal end a command as Ctrl-C does."""

import signal
import subprocess
import sys

import pytest

TWICE = """
import os, sys, time
import dataflow.cli

def wait(_):
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(30)
    finally:
        os.kill(os.getpid(), int(sys.argv[2]))
        time.sleep(0.2)
        print("ended in order")

dataflow.cli._run = wait
dataflow.cli.main()
"""


WHILE_PYTHON_ENDS = """
import atexit, os, sys, time
import dataflow.cli

atexit.register(lambda: (os.kill(os.getpid(), int(sys.argv[1])), time.sleep(30)))
dataflow.cli._run = lambda _: 0
dataflow.cli.main()
"""

STOP = [signal.SIGTERM, signal.SIGHUP]
interrupts = pytest.mark.parametrize(
    "interrupt", [signal.SIG_DFL, signal.SIG_IGN], ids=["alone", "in-the-background"]
)


@pytest.mark.parametrize("number", STOP)
@pytest.mark.parametrize("second", STOP)
@interrupts
def test_a_command_ends_in_order_and_a_second_signal_does_not_break_that(number: int, second: int, interrupt):
    """`timeout 60 dataflow status` left a terminal without a cursor, a closed terminal the data of a demo.

    A make sends it to what it has started, which has had it already; systemd sends SIGHUP behind SIGTERM to
    what a session has left behind, which broke the end off.
    """
    done = subprocess.run(
        [sys.executable, "-c", TWICE, str(int(number)), str(int(second))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupt),
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "ended in order\n", "")


@pytest.mark.parametrize("number", STOP)
@interrupts
def test_a_command_that_has_ended_is_ended_at_once(number: int, interrupt):
    """In the background the signal was a traceback, and Python went on; else the command ended by SIGINT."""
    done = subprocess.run(
        [sys.executable, "-c", WHILE_PYTHON_ENDS, str(int(number))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupt),
    )
    assert (done.returncode, done.stderr) == (-number, "")


def test_what_nohup_lets_ignore_stays_ignored():
    """It is started so as to outlive the terminal."""
    done = subprocess.run(
        ["nohup", sys.executable, "-c", TWICE.replace("30", "0"), *[str(int(signal.SIGHUP))] * 2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "ended in order\n")
