"""`python -m dataflow`, and the command `dataflow`: Ctrl-C ends it without a word from the beginning on."""

import gc
import signal


def main() -> None:
    """Run the command line; until it is imported, nothing has to be ended in order."""
    gc.set_threshold(100_000, 50, 50)  # modules and lines make few cycles: a sixth of a start
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started it ignores it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from dataflow.cli import main

    main()


if __name__ == "__main__":
    main()
