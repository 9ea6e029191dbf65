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
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0.2)
        print("ended in order")

dataflow.cli._run = wait
dataflow.cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("interrupt", [signal.SIG_DFL, signal.SIG_IGN], ids=["alone", "in-the-background"])
def test_a_command_ends_in_order_and_a_second_signal_does_not_break_that(number: int, interrupt):
    """`timeout 60 dataflow status` left a terminal without a cursor, a closed terminal the data of a demo.

    A make sends it to what it has started, which has had it already.
    """
    done = subprocess.run(
        [sys.executable, "-c", TWICE, str(int(number))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupt),
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "ended in order\n", "")


def test_what_nohup_lets_ignore_stays_ignored():
    """It is started so as to outlive the terminal."""
    done = subprocess.run(
        ["nohup", sys.executable, "-c", TWICE.replace("30", "0"), str(int(signal.SIGHUP))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "ended in order\n")
