"""Key choice: of a table whose keys have parts, which keys are meant, and what of them is put together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from dataflow.engine.tables import OTHER
from dataflow.engine.tables.merging import Ranking, ranked
from dataflow.web.json_schema import Json

ALL_KEYS: Final = "(all)"
"""Key of the entry that has all of them."""


class PartValues(str):
    """Values of parts of a key, as `status=404 country=DE`; a value with spaces comes last."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text names; raise ValueError."""
        values = cls(text)
        named_once = len(values.by_part) == len(values._words)
        if not named_once or any("=" not in word for word in values._words):
            raise ValueError(text)
        return values

    @property
    def _words(self) -> list[str]:
        """Each part with its value."""
        words: list[str] = []
        for word in self.split(" "):
            if "=" in word or not words:
                words.append(word)
            else:
                words[-1] += f" {word}"
        return words

    @property
    def by_part(self) -> Mapping[str, str]:
        """The value of each part that is named."""
        return {name: value for name, _, value in (word.partition("=") for word in self._words) if name}

    @classmethod
    def json_schema(cls) -> Json:
        """Return how it is written."""
        return {"type": "string", "title": "PART=VALUE, several with spaces between them, each part once"}


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """Which keys are meant, and which of them make one entry; `(other)` is always one of its own."""

    parts: int = 1
    """Of a key: words, the last of which may have spaces."""
    where: tuple[tuple[int, str], ...] = ()
    """Parts, by their place, that have a value."""
    by: int | None = None
    """The part of which each value is an entry; None: each key is one, or all are."""
    is_together: bool = False
    """Whether all keys are one entry."""

    @property
    def is_each(self) -> bool:
        """Tell whether each key is an entry of its own."""
        return self.by is None and not self.is_together

    def ranked(self, results: Mapping[str, Any], order: str) -> Ranking:
        """Return the entries in order, of the results of all keys."""
        if self.is_each and not self.where:
            return ranked(results, order)
        members = self._members(results)
        has_other = OTHER in results and OTHER not in members.get(ALL_KEYS, ())
        sums = {name: sum(results[key] or 0 for key in keys) for name, keys in members.items()}
        keys = ranked(sums | ({OTHER: 0} if has_other else {}), order)
        return keys if self.is_each else keys._replace(members=members)

    def _members(self, keys: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
        """Return the keys of each entry."""
        members = defaultdict[str, list[str]](list)
        for key in keys:
            if key == OTHER:  # it has rows of keys that are not meant, too, unless all are
                if self.is_together and not self.where:
                    members[ALL_KEYS].append(key)
                continue
            words = key.split(" ", self.parts - 1)
            if len(words) == self.parts and all(words[place] == value for place, value in self.where):
                members[self._name_of(key, words)].append(key)
        return dict(members)

    def _name_of(self, key: str, words: Sequence[str]) -> str:
        if self.is_together:
            return ALL_KEYS
        return key if self.by is None else words[self.by]


ALL_APART: Final = KeyChoice()
