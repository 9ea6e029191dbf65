"""Demo: the embedded broker, sample data, generators and their commands; optional, and nothing else needs it.

It comes with the extra ``demo``. A worker that has a broker (``DATAFLOW_BROKER``) loads nothing of it.
"""
