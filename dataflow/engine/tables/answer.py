"""Answers: what one partition says to a query, in a form that goes between workers."""

import msgspec


class Part(msgspec.Struct, frozen=True, array_like=True):
    """The cells of one partition that a query asks for.

    `cells` are start in ms, key and packed cell; `closes` is the instant in ms up to which windows
    that have ended are closed, -1 for none; `newest` the highest event time, -1 before the first;
    `late` the rows that came too late for this window size.
    """

    cells: list[tuple[int, str, bytes]]
    closes: int
    newest: int
    late: int
    undated: int
    future: int
