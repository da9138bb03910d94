"""What ``@table`` says about rows that become one: ``Duplicates`` and ``Merge``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from hotmig.schema.json_mapping import JsonMapping
from hotmig.schema.places import Spot, caller

Losers = Literal["drop"] | Mapping[str, str]


class Duplicates:
    """Rows with the same ``key`` are ranked by ``prefer``; the best one stays, the others are its losers.

    ``key`` and ``compare`` are columns of the new table. ``prefer`` is SQL as in ORDER BY over the old row, the best
    first; ``collide`` a condition over it: rows that satisfy it and differ in ``compare`` block. A loser that is the
    same as the winner in ``compare`` is merged away, or with ``equal="keep"`` treated like the others: dropped, or
    kept with the columns that ``losers`` sets.
    """

    spot: Spot

    def __init__(
        self,
        *,
        key: str | Sequence[str],
        compare: str | Sequence[str],
        prefer: str,
        collide: str | None = None,
        equal: Literal["merge", "keep"] = "merge",
        losers: Losers = "drop",
    ) -> None:
        self.spot = caller()
        self.key = _names("key", key)
        self.compare = _names("compare", compare)
        self.prefer = _text("prefer", prefer)
        self.collide = None if collide is None else _text("collide", collide)
        if equal not in ("merge", "keep"):
            raise ValueError(f'equal= is "merge" or "keep", not {equal!r}')
        if losers != "drop" and not isinstance(losers, Mapping):
            raise ValueError(f'losers= is "drop" or a dict of columns, not {losers!r}')
        self.equal = equal
        self.losers: dict[str, str] | None = None if isinstance(losers, str) else _expressions("losers", losers)


class Merge:
    """Rows whose column ``by`` has a canonical value, or an alias of it, become one row with that value.

    ``create`` fills the columns of a canonical row that does not exist yet: SQL that reads no column, evaluated once.
    ``touch`` sets columns of the rows that moved: here, and in the tables whose references follow.
    """

    spot: Spot

    def __init__(
        self,
        *,
        by: str,
        mapping: Mapping[str, str] | JsonMapping,
        fold_case: bool = False,
        create: Mapping[str, str] | None = None,
        touch: Mapping[str, str] | None = None,
    ) -> None:
        self.spot = caller()
        self.by = _text("by", by)
        self.mapping = mapping
        self.fold_case = fold_case
        self.create = None if create is None else _expressions("create", create)
        self.touch = {} if touch is None else _expressions("touch", touch)


def _text(what: str, given: object) -> str:
    if not isinstance(given, str):
        raise TypeError(f"{what} takes text, not {given!r}")
    return given


def _names(what: str, given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(_text(what, name) for name in given)


def _expressions(what: str, given: Mapping[str, str]) -> dict[str, str]:
    return {_text(what, name): _text(what, sql) for name, sql in given.items()}
