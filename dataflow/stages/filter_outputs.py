"""Filter outputs: rules of the richer form in; the rule that drops a line, or its topics, out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dataflow.engine.decoding import DECODING_ERRORS, fault_of
from dataflow.stages.json_values import Value, compile_values

NO_OUTPUT = "(no output)"
"""What drops are counted under that no rule of all makes, but each output its own."""


@dataclass(frozen=True, slots=True)
class RichRule:
    """A rule of either form; `drops(values)` says whether a line goes."""

    name: str
    drops: Callable[[Sequence[Value]], bool]


@dataclass(frozen=True, slots=True)
class Output:
    """Takes the lines that its own rules let pass, of those that the common ones do."""

    name: str
    topic: str
    rules: tuple[RichRule, ...]


class FilterOutputs:
    """Common rules in their order, then the outputs; without any, survivors go where they always do."""

    def __init__(self, rules: Sequence[RichRule], outputs: Sequence[Output], reads: Sequence[str]) -> None:
        """Compile a reader of the fields that all of them look at, `reads`, in their places."""
        self.rules = tuple(rules)
        self.outputs = tuple(outputs)
        self.reads = tuple(reads)
        self._values_of = compile_values(self.reads)

    def dropped_by(self, raw: bytes | None) -> str | tuple[str, ...] | None:
        """Return the name of the rule that drops this line, or the topics that it goes to.

        None if it survives and no outputs are named. Raise `InvalidEvent` for what is no
        JSON object.
        """
        try:
            values = self._values(raw)
        except DECODING_ERRORS as error:
            raise fault_of(error, raw) from error
        for rule in self.rules:
            if rule.drops(values):
                return rule.name
        if not self.outputs:
            return None
        return tuple([output.topic for output in self.outputs if _takes(output, values)]) or NO_OUTPUT

    def _values(self, raw: bytes | None) -> Sequence[Value]:
        if raw is None:
            raise TypeError("value is null")
        raw.isascii() or raw.decode()  # msgspec does not look into strings that it skips
        return self._values_of(raw)

    def judge(self, raws: Sequence[bytes]) -> list[str | tuple[str, ...] | None]:
        """Return of each line what `dropped_by` does; raise `InvalidEvent` if any is no JSON object."""
        return list(map(self.dropped_by, raws))


def _takes(output: Output, values: Sequence[Value]) -> bool:
    return not any(rule.drops(values) for rule in output.rules)
