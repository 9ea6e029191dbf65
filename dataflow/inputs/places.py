"""Places: files, folders, patterns and S3 prefixes in; the inputs that they mean, each once, out."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from dataflow.inputs.files import Found, file_at, files_at
from dataflow.inputs.input import S3_SCHEME, Input
from dataflow.settings import Settings

if TYPE_CHECKING:
    from dataflow.inputs.objects import Objects


class Places:
    """Finds inputs, by place and by path."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def inputs_at(self, places: Iterable[str]) -> Found:
        """Yield every input of the places, in their order; what cannot be looked at as an error."""
        seen: set[str] = set()
        for place in places:
            for found in self._at(place):
                if not isinstance(found, Input):
                    yield found
                elif found.path not in seen:
                    seen.add(found.path)
                    yield found

    def input_at(self, path: str) -> Input | None:
        """Return the input of a path that was remembered; None if nothing is there any more."""
        return self._objects.at(path) if path.startswith(S3_SCHEME) else file_at(path)

    def _at(self, place: str) -> Found:
        return self._objects.under(place) if place.startswith(S3_SCHEME) else files_at(place)

    @cached_property
    def _objects(self) -> "Objects":
        from dataflow.inputs.objects import Objects  # who has no S3 needs none of its SDK

        return Objects(self._settings)
