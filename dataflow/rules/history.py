"""History: all versions of a document that are kept, who wrote them, and the way back to one of them."""

from collections.abc import Collection, Mapping
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from dataflow.errors import DataflowError
from dataflow.instants import iso_or_none
from dataflow.rules.outputs import put_document
from dataflow.rules.version import Authorship, Document, Version, existing_log


class VersionRow(msgspec.Struct, forbid_unknown_fields=True):
    """One version of a document, without its content."""

    version: int
    at: Annotated[str | None, Meta(description="When it was written, UTC, by the broker's clock")]
    author: Annotated[str | None, Meta(description="Who wrote it; null: an earlier release did not say")]
    reverts: Annotated[int | None, Meta(description="The version whose content it has again")]
    bytes: int

    @classmethod
    def of(cls, version: Version) -> Self:
        """Return the row of a version."""
        at = iso_or_none(version.at_ms)
        return cls(version.number, at, version.author, version.reverts, len(version.raw))


class UnknownVersion(DataflowError):
    """The document has no such version, or it is not kept any more."""


async def read_history(connection: Mapping[str, object], document: Document) -> list[Version]:
    """Return the versions that are kept, the oldest first; the last one counts.

    Raises `DataflowError` if the topic cannot be read.
    """
    kept: list[Version] = []
    async with existing_log(connection, document, kept) as versions:
        await versions.read_to_end()
    return kept


async def version_numbered(connection: Mapping[str, object], document: Document, number: int) -> Version:
    """Return one version, 0 for the document before the first; `UnknownVersion` names those there are."""
    by_number = {0: Version(0, document.empty)}
    by_number |= {version.number: version for version in await read_history(connection, document)}
    if number not in by_number:
        raise UnknownVersion(
            f"version of the {document.name} is {number}; expected one that is kept: {_ranges(by_number)}"
        )
    return by_number[number]


async def revert(
    connection: Mapping[str, object],
    app_id: str,
    document: Document,
    number: int,
    follows: int | None,
    author: str,
) -> Version:
    """Write the content of a version as the next one. Raises as `put_document`, and `UnknownVersion`."""
    old = await version_numbered(connection, document, number)
    by = Authorship(author, reverts=number)
    return await put_document(connection, app_id, document, old.raw, follows=follows, by=by)


def _ranges(numbers: Collection[int]) -> str:
    """Return numbers as ``0, 3-7``."""
    starts = sorted(number for number in numbers if number - 1 not in numbers)
    ends = sorted(number for number in numbers if number + 1 not in numbers)
    pairs = zip(starts, ends, strict=True)
    return ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in pairs)
