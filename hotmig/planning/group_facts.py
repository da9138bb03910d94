"""What the rules for several rows do to the data of one table, as it was found out beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["carried", "merged", "collisions", "historical_drops", "losers_kept", "created", "homeless"]
Rule = Literal["create", "set", "follow"]
KINDS: tuple[Kind, ...] = ("carried", "merged", "collisions", "historical_drops", "losers_kept", "created")


@dataclass(frozen=True)
class Counted:
    """How many rows of one kind there are, and the first of them in words."""

    kind: Kind
    count: int
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Equal:
    """Rows that are equal under a unique key of the new table, once others have become one.

    Not ``certain`` where they were read at several moments, between which the application wrote. ``is_plain`` says
    that the key is one of columns, over all rows.
    """

    title: str
    rows: int
    samples: tuple[str, ...]
    certain: bool = True
    is_plain: bool = True


@dataclass(frozen=True)
class Unfit:
    """Rows that the new table does not take for what a rule makes of them; ``what`` goes on behind their number.

    ``verb`` is for one row and for several.
    """

    rule: Rule
    verb: tuple[str, str]
    what: str
    rows: int
    samples: tuple[str, ...]
    stops: bool = True  # the copy would


@dataclass(frozen=True)
class GroupFacts:
    """``counted`` is empty for a table that has no groups itself: its references follow rows that become one.

    ``unjudged`` says of which questions nobody waited for the answer.
    """

    table: str
    counted: tuple[Counted, ...] = ()
    equal: tuple[Equal, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    unjudged: tuple[str, ...] = ()

    def of(self, kind: Kind) -> Counted:
        return next((each for each in self.counted if each.kind == kind), Counted(kind, 0))

    @property
    def affects(self) -> bool:
        """Whether any row is another afterwards, or stands in the way."""
        return any(each.count for each in self.counted) or bool(self.equal or self.unfit)
