"""Filter rules: judge CDN lines, many at once, by columns of the fields that they look at; and the stage."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import compress
from operator import not_, or_

import msgspec

from dataflow.engine.decoding import DECODING_ERRORS, compile_decoder, fault_of
from dataflow.engine.stage import FilterStage, Verdict
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.json_values import Value, compile_columns
from dataflow.stages.request import REQUEST_COLUMNS, Request, request_of
from models.cdn_log import CdnLog, CdnValue

Columns = Sequence[Sequence[Value]]
"""The values of each field, in the order of the lines."""

NO_OUTPUT = "(no output)"
"""Counts lines that pass all common rules, and that no output takes."""
MOST_VERDICTS, LEAST_VERDICTS = 16_384, 256
"""So many verdicts a test remembers: the first eight of a document the most, later ones fewer."""


@dataclass(frozen=True, slots=True)
class FieldTest:
    """A test of one field, and with which outcome it speaks for dropping a line."""

    field: str
    place: int
    """Of the field's column."""
    holds: Callable[[Value], bool]
    drops_if: bool


@dataclass(frozen=True, slots=True)
class FilterRule:
    """`drops(columns)` tells for each line whether the rule drops it."""

    name: str
    drops: Callable[[Columns], Sequence[bool]]
    tests: tuple[FieldTest, ...] = ()
    """All that it is made of, to say of one line why it is dropped."""

    def matched(self, columns: Columns) -> dict[str, Value]:
        """Return the fields by which it drops the only line in these columns; none if it lets it pass."""
        if not self.drops(columns)[0]:
            return {}
        values = [(test, columns[test.place][0]) for test in self.tests]
        return {test.field: value for test, value in values if test.holds(value) is test.drops_if}


@dataclass(frozen=True, slots=True)
class Output:
    """Takes those of the lines that pass the common rules which its own rules let pass."""

    name: str
    topic: str
    rules: tuple[FilterRule, ...]

    def takes(self, columns: Columns, lines: int) -> Sequence[bool]:
        """Tell for each line whether the output takes it."""
        dropped: Sequence[bool] = [False] * lines
        for rule in self.rules:
            dropped = list(map(or_, dropped, rule.drops(columns)))
        return list(map(not_, dropped))


class FilterRules:
    """An ordered list of rules; a line that passes all of them goes to the outputs, if there are any."""

    def __init__(
        self, rules: Sequence[FilterRule], outputs: Sequence[Output] = (), reads: Sequence[str] = ()
    ) -> None:
        """Compile a reader of the fields `reads`; the rules know them by their places."""
        self.rules = tuple(rules)
        self.outputs = tuple(outputs)
        self.reads = tuple(reads)
        self._columns_of = compile_columns(self.reads)

    def dropped_by(self, raw: bytes | None) -> Verdict:
        """Return the name of the first rule that drops this line, or the topics that it goes to.

        None if it passes and there are no outputs. Raise `InvalidEvent` for what is no JSON
        object, also if there are no rules.
        """
        if raw is None:
            raise fault_of(TypeError("value is null"), raw)
        try:
            return self.judge([raw])[0]
        except DECODING_ERRORS as error:
            raise fault_of(error, raw) from error

    def judge(self, raws: Sequence[bytes]) -> list[Verdict]:
        """Return of each what `dropped_by` does; raise one of `DECODING_ERRORS` if one is no JSON object."""
        if not all(map(bytes.isascii, raws)):
            for raw in raws:
                str(raw, "utf-8")  # msgspec does not check strings that it skips
        columns = self._columns_of(raws)
        verdicts = self._routes(columns, len(raws))
        for rule in reversed(self.rules):  # the first rule that drops is named
            dropped = rule.drops(columns)
            if True in dropped:
                pairs = zip(dropped, verdicts, strict=True)
                verdicts = [rule.name if drop else verdict for drop, verdict in pairs]
        return verdicts

    def matched(self, name: str, raw: bytes) -> dict[str, Value]:
        """Return by which fields, and values, the rule of this name drops a line that it has dropped."""
        columns = self._columns_of([raw])
        by_outputs = [rule for output in self.outputs for rule in output.rules] if name == NO_OUTPUT else []
        rules = [rule for rule in self.rules if rule.name == name] or by_outputs
        return {field: value for rule in rules for field, value in rule.matched(columns).items()}

    def _routes(self, columns: Columns, lines: int) -> list[Verdict]:
        if not self.outputs:
            return [None] * lines
        topics = [output.topic for output in self.outputs]
        taken = [output.takes(columns, lines) for output in self.outputs]
        return [tuple(compress(topics, row)) or NO_OUTPUT for row in zip(*taken, strict=True)]


class Fields:
    """The fields of one document, as rules are compiled."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._tests: list[FieldTest] = []
        self._drops_if = True
        self._test_count = 0
        self.program_size = 0
        """Instructions of all patterns together."""

    def column_of(self, field: str, test: Callable[[Value], bool]) -> Callable[[Columns], Sequence[bool]]:
        """Return a function that tests every value of the column of a field."""
        place = self._places.setdefault(field, len(self._places))
        self._tests.append(FieldTest(field, place, test, self._drops_if))
        # Values repeat from line to line: most verdicts are a look-up. All tests remember a million at most.
        self._test_count += 1
        bound = min(MOST_VERDICTS, max(LEAST_VERDICTS, 8 * MOST_VERDICTS // self._test_count))
        verdict_of = BoundedCache(test, bound).__getitem__
        return lambda columns: list(map(verdict_of, columns[place]))

    @contextmanager
    def negated(self) -> Iterator[None]:
        """Compile conditions that speak for dropping a line where they do not hold."""
        self._drops_if = not self._drops_if
        yield
        self._drops_if = not self._drops_if

    def rule(self, name: str, drops: Callable[[Columns], Sequence[bool]]) -> FilterRule:
        """Return a rule, which is made of all that was tested since the one before."""
        tests, self._tests = tuple(self._tests), []
        return FilterRule(name, drops, tests)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in their places."""
        return tuple(self._places)


READS = (
    *("reqTimeSec", "reqPath", "statusCode", "bytes", "cliIP", "country"),
    *("turnAroundTimeMSec", "reqEndTimeMSec", "transferTimeMSec"),
    *("reqMethod", "cacheStatus", "UA"),
    *("reqHost", "referer"),
)

_decode = compile_decoder(CdnLog, reads=READS).decode
_decode_values = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder(CdnValue).decode


def request_filter(rules: FilterRules, header: tuple[str, bytes] | None = None) -> FilterStage[Request]:
    """Return the filter with these rules; `header` is the header of what they let pass."""
    return FilterStage("filter", rules.judge, read_request, fault_of, REQUEST_COLUMNS, header)


def read_request(raw: bytes) -> Request:
    """Return what tables count of a line that is a JSON object.

    A value of a kind that no DataStream writes (an object, an array) counts as none: the
    rules have let the line pass, and the filter does not judge what no rule looks at.
    """
    try:
        return request_of(_decode(raw))
    except msgspec.ValidationError:
        return request_of(_with_values_of(_decode_values(raw)))


def _with_values_of(values: dict[str, msgspec.Raw]) -> CdnLog:
    line = CdnLog()
    for key in READS:
        with suppress(msgspec.ValidationError, KeyError):
            setattr(line, key, _decode_value(values[key]))
    return line
