"""Secret files: reads each secret whose file is named, as by `DATAFLOW_BROKER_PASSWORD_FILE`."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic import Secret, SecretStr

from dataflow.small_files import read_small_file

SUFFIX = "_FILE"
MOST_BYTES = 64 << 10
"""No secret is as long: a file that has more is another one."""


def is_secret(annotation: object, *kinds: type) -> bool:
    """Tell whether a field of this type holds a secret (of one of these kinds), however deep in it."""
    if isinstance(annotation, type) and issubclass(annotation, kinds or (SecretStr, Secret)):
        return True
    return any(is_secret(part, *kinds) for part in get_args(annotation))


class SecretFiles:
    """The secrets that are given as files; `faults` has a line for each that cannot be used."""

    def __init__(self, given: Mapping[str, str], secrets: Collection[str]) -> None:
        """Read the files that `given`, the environment, names for the variables `secrets`."""
        self.faults: list[str] = []
        self.texts = dict(self._read(given, secrets))

    def _read(self, given: Mapping[str, str], secrets: Collection[str]) -> Iterator[tuple[str, str]]:
        for variable in secrets:
            name = variable + SUFFIX
            if name not in given:
                continue
            if variable in given:
                self.faults.append(f"{name} is set, and so is {variable}; expected one of them")
                continue
            path = Path(given[name])
            try:
                text = _text_of(path.expanduser())
            except (OSError, ValueError, RuntimeError) as error:
                reason = "it is not UTF-8" if isinstance(error, ValueError) else _reason(error)
                self.faults.append(f"{name} is '{path}'; expected a file that can be read ({reason})")
                continue
            if text:
                yield variable, text
            else:
                self.faults.append(f"{name} is '{path}', which is empty; expected the secret in it")


def _text_of(path: Path) -> str:
    content = read_small_file(path, MOST_BYTES)
    return content.decode("utf-8-sig").rstrip("\r\n")  # Windows writes a mark first


def _reason(error: OSError | RuntimeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "there is no such user"
