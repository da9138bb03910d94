"""What ``@table`` says about rows that become one: ``Duplicates`` and ``Merge``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from hotmig.errors import SchemaError
from hotmig.schema.json_mapping import JsonMapping
from hotmig.schema.places import Spot, caller, wrong

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
        self.spot = spot = caller()
        self.key = _names("key", key, spot)
        self.compare = _names("compare", compare, spot)
        self.prefer = _sql("prefer", prefer, spot)
        self.collide = None if collide is None else _sql("collide", collide, spot)
        if equal not in ("merge", "keep"):
            raise _refused(spot, "equal", '"merge" or "keep"', equal, "leave it out to merge rows that are the same")
        self.equal = equal
        self.losers = None if losers == "drop" else _expressions("losers", losers, spot, '"drop" or ')


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
        self.spot = spot = caller()
        if not isinstance(by, str):
            raise _refused(spot, "by", "the name of a column", by, 'write by="name"')
        self.by = by
        self.mapping = mapping
        self.fold_case = fold_case
        self.create = None if create is None else _expressions("create", create, spot)
        self.touch = {} if touch is None else _expressions("touch", touch, spot)


def _refused(spot: Spot, what: str, takes: str, given: object, hint: str) -> SchemaError:
    return wrong(spot, f"{what}= takes {takes}, not {given!r}", hint)


def _sql(what: str, given: object, spot: Spot) -> str:
    if not _is_sql(given):
        raise _refused(spot, what, "SQL", given, f'write SQL over the old row in quotes: {what}="…"')
    return str(given)


def _is_sql(given: object) -> bool:
    return isinstance(given, str) and bool(given.strip())


def _names(what: str, given: object, spot: Spot) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        hint = 'write compare=() to compare nothing, or ("a", "b")' if what == "compare" else 'write ("a", "b")'
        raise _refused(spot, what, "a column or a list of columns", given, hint)
    return tuple(names)


def _expressions(what: str, given: object, spot: Spot, or_else: str = "") -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and _is_sql(given[name]) for name in given):
        hint = f'write {what}={{"column": "SQL"}}'
        raise _refused(spot, what, f"{or_else}a dict of columns with SQL", given, hint)
    return dict(given)
