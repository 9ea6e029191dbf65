"""`python -m dataflow`: the same as the command `dataflow`."""

from dataflow.cli import main

main()
