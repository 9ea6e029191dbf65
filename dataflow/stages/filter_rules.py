"""Filter rules: raw CDN lines in, the name of the rule that drops a line out."""

from collections.abc import Sequence

import orjson

from dataflow.engine.decoding import DECODING_ERRORS, fault_of
from dataflow.errors import Misconfigured
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.filter_rule import FilterRule, read_rule
from dataflow.stages.json_values import compile_columns


class FilterRules:
    """An ordered list of rules; a line survives only if every one lets it pass."""

    def __init__(self, rules: Sequence[FilterRule]) -> None:
        """Compile a reader of only the fields that `rules` look at."""
        self.rules = tuple(rules)
        self.reads = tuple(dict.fromkeys(rule.field for rule in rules))
        self._columns_of = compile_columns([rule.field for rule in rules])
        # Values repeat from line to line: most verdicts are one look-up.
        self._verdicts = [(BoundedCache(rule.drops), rule.name) for rule in rules]

    def dropped_by(self, raw: bytes | None) -> str | None:
        """Return the name of the first rule that drops this line; None if it survives.

        Raise `InvalidEvent` for what is no JSON object, also if there are no rules.
        """
        if raw is None:
            raise fault_of(TypeError("value is null"), raw)
        try:
            return self.judge([raw])[0]
        except DECODING_ERRORS as error:
            raise fault_of(error, raw) from error

    def judge(self, raws: Sequence[bytes]) -> list[str | None]:
        """Return of each line what `dropped_by` does.

        Raise one of `DECODING_ERRORS` if any is no JSON object.
        """
        if not all(map(bytes.isascii, raws)):
            for raw in raws:
                str(raw, "utf-8")  # of null a TypeError, as the decoder's
        verdicts: list[str | None] = [None] * len(raws)
        ruled = list(zip(self._columns_of(raws), self._verdicts, strict=True))
        for column, (drops, name) in reversed(ruled):  # the first rule that drops is named
            dropped = list(map(drops.__getitem__, column))
            if True in dropped:
                verdicts = [name if drop else known for drop, known in zip(dropped, verdicts, strict=True)]
        return verdicts


def read_rules(raw: bytes, origin: str) -> FilterRules:
    """Return the rules in the text of a rule file; `origin` is named in errors."""
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Misconfigured(f"{origin} is not JSON; {error}") from error
    if not isinstance(sent, list):
        raise Misconfigured(f"{origin} is {type(sent).__name__}; expected a list of rules")
    rules = [read_rule(entry, number, origin) for number, entry in enumerate(sent, start=1)]
    names: set[str] = set()
    for number, rule in enumerate(rules, start=1):
        if rule.name in names:
            raise Misconfigured(f"{origin}: rule {number}: name is {rule.name!r}; expected one of its own")
        names.add(rule.name)
    return FilterRules(rules)
