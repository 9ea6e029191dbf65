"""Places: lists the inputs of files, folders, patterns and S3 prefixes, each once."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from dataflow.extras import Extra, require
from dataflow.inputs.files import Listing, file_at, files_at
from dataflow.inputs.input import S3_SCHEME, Input
from dataflow.settings import Settings

if TYPE_CHECKING:
    from dataflow.inputs.s3_objects import S3Objects


def check_places(places: Iterable[str]) -> None:
    """Raise `Misconfigured` if one is in S3, and what reads from there is not installed."""
    for place in places:
        if place.startswith(S3_SCHEME):
            require(Extra.S3, f"place is '{place}'")


class Places:
    """Lists inputs by place, and returns them by path."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def inputs_at(self, places: Iterable[str]) -> Listing:
        """Yield every input of the places, in their order; one that cannot be inspected as an error."""
        seen: set[str] = set()
        for place in places:
            listed = self._objects.under(place) if place.startswith(S3_SCHEME) else files_at(place)
            for source in listed:
                if not isinstance(source, Input):
                    yield source
                elif source.path not in seen:
                    seen.add(source.path)
                    yield source

    def input_at(self, path: str) -> Input | None:
        """Return the input of a path of a checkpoint; None if it does not exist any more."""
        return self._objects.at(path) if path.startswith(S3_SCHEME) else file_at(path)

    @cached_property
    def _objects(self) -> "S3Objects":
        check_places([S3_SCHEME])
        from dataflow.inputs.s3_objects import S3Objects  # its SDK is only loaded if needed

        return S3Objects(self._settings)
