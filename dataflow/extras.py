"""Extras: optional parts of the installation, and the command that adds a missing one."""

from enum import StrEnum
from importlib.util import find_spec
from typing import Final

from dataflow.errors import Misconfigured

DISTRIBUTION: Final = "dataflow-streams"
"""The name under which this program is installed; `dataflow` is another project's."""


class Extra(StrEnum):
    """An optional part, with packages that only some workers need."""

    DEMO = "demo"
    OPENSEARCH = "opensearch"
    PARQUET = "parquet"
    S3 = "s3"


_PACKAGES: Final = {
    Extra.DEMO: "jgo",
    Extra.OPENSEARCH: "opensearchpy",
    Extra.PARQUET: "pyarrow",
    Extra.S3: "aiobotocore",
}


def is_installed(extra: Extra) -> bool:
    """Tell whether this environment has the packages of an extra, without loading them."""
    return find_spec(_PACKAGES[extra]) is not None


def require(extra: Extra, subject: str) -> None:
    """Raise `Misconfigured` if the extra that the subject needs is not installed."""
    if not is_installed(extra):
        raise Misconfigured(f"{subject}; expected {the_extra(extra)}")


def the_extra(extra: Extra) -> str:
    """Return what a message expects where a part is not installed: its name, and how to install it."""
    return f"the extra '{extra}': pip install '{DISTRIBUTION}[{extra}]'"
