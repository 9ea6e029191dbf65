"""The app as in a pod, whose account is in the folder of `POD_ACCOUNT`."""

import os
from pathlib import Path

from dataflow import stateful_set
from dataflow.app import app

__all__ = ["app"]

stateful_set.ACCOUNT = Path(os.environ["POD_ACCOUNT"])
