"""The plan as a value: everything that ``migrate`` will do, and everything that stands in its way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from hotmig.sqlite import fold, quote

if TYPE_CHECKING:
    # `hotmig status` imports this module, and must not pay for the schema package behind it.
    from hotmig.catalog.model import Catalog, Column, ForeignKey, Table
    from hotmig.schema.model import OrderTerm, Orphans, SeedRow, ValueMap

How = Literal["as-is", "projected", "empty"]
Keys = Literal["kept", "mapped"]
Severity = Literal["block", "warn", "note"]
KeyKind = Literal["integer", "primary", "unique", "rowid"]


@dataclass(frozen=True)
class Hint:
    """A ``Was`` or ``From`` of the module, as ``_schema_hint`` remembers it; ``column`` is "" for a table's ``was``."""

    kind: Literal["from", "was"]
    table: str
    column: str
    text: str


@dataclass(frozen=True)
class SourceKey:
    """The columns by which one row of a recorded table is found again.

    ``columns`` can be used in SQL as they are (quoted): for kind "rowid" it is one of the rowid's own names.
    ``collations`` are the ones under which the old table compares them.
    """

    table: str
    columns: tuple[str, ...]
    collations: tuple[str, ...]
    kind: KeyKind


@dataclass(frozen=True)
class Translation:
    """A reference whose value follows its parent row.

    The child's old ``columns`` find the old parent row by ``parent_columns`` (SQLite's own comparison), and the
    new value is that row's ``value_columns`` in the new parent table. ``beside`` pairs the columns of the reference
    that keep other old values with those of the new parent table: they have to name the same row.
    """

    columns: tuple[str, ...]  # of the old child
    parent: str  # the new parent table
    parent_source: str  # the old parent table
    parent_columns: tuple[str, ...]  # of the old parent
    value_columns: tuple[str, ...]  # of the new parent, one for each new child column
    targets: tuple[str, ...]  # the new child columns that get the value
    orphans: Orphans
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ColumnStep:
    """How one stored column of the new table is filled.

    ``expression`` is SQL over the old row, with the old table's columns as bare names; None when nothing is
    written: the column's default, a seed or a new key (``assigned``) fills it, or a Translation does.
    ``origin`` says it to people. With a ``mapping`` the value is looked up among its aliases.
    """

    name: str
    expression: str | None
    origin: str
    assigned: bool = False
    mapping: ValueMap | None = None


@dataclass(frozen=True)
class Grouping:
    """Rows of one table that become one: those with the same ``key``, new columns with the collation they compare by.

    With ``merges_by`` set it is a Merge: the key is that column, and the row that has its canonical value wins.
    ``losers`` is None where losers go, else the columns that are set in those that stay.
    """

    key: tuple[tuple[str, str], ...]
    compare: tuple[str, ...] = ()
    prefer: tuple[OrderTerm, ...] = ()
    collide: str | None = None
    keeps_equal: bool = False
    losers: tuple[tuple[str, str], ...] | None = None
    merges_by: str | None = None
    create: tuple[tuple[str, str], ...] | None = None

    @property
    def loses_rows(self) -> bool:
        """Whether a row can go, so that references to it have to follow."""
        return self.losers is None or not self.keeps_equal


@dataclass(frozen=True)
class Touch:
    """A column that is set in rows that moved: by their own Merge, or because what they refer to was merged.

    ``through`` are the positions of the translations that can move the row; None for the table's own Merge.
    """

    column: str
    expression: str
    through: tuple[int, ...] | None


@dataclass(frozen=True)
class TableStep:
    """How one table of the new schema is filled; ``source`` is None for a table that has no old rows.

    ``why`` a table with rows is projected says what keeps it from being copied as it is.
    """

    number: int
    table: Table
    source: Table | None
    how: How
    keys: Keys
    source_key: SourceKey | None
    new_key: tuple[str, ...]  # () when the table has none; a rowid name where the bare rowid is carried over
    columns: tuple[ColumnStep, ...]
    translations: tuple[Translation, ...] = ()
    seeds: tuple[SeedRow, ...] = ()
    new_foreign_keys: tuple[ForeignKey, ...] = ()  # those that the old schema did not guarantee
    grouping: Grouping | None = None
    touches: tuple[Touch, ...] = ()
    why: str | None = None

    @property
    def loses_rows(self) -> bool:
        """Whether rows of it can become one with others."""
        return self.grouping is not None and self.grouping.loses_rows

    @cached_property
    def set_columns(self) -> frozenset[str]:
        """The columns, folded, that a rule sets in some rows."""
        losers = self.grouping.losers if self.grouping is not None else None
        return frozenset(fold(name) for name, _ in losers or ()) | {fold(touch.column) for touch in self.touches}

    @property
    def computes_its_keys(self) -> bool:
        """Whether each new key is made of old values alone: then two old rows could get the same."""
        own = [self.column(name) for name in self.new_key]
        return self.keys == "mapped" and all(column is not None and not column.assigned for column in own)

    def column(self, name: str) -> ColumnStep | None:
        """How the new column of that name is filled, None for a generated one."""
        return self._by_name.get(fold(name))

    def taken_from(self, column: ColumnStep) -> Column | None:
        """The old column that a new one takes as it is, whatever its type makes of it; None for a From."""
        return self._by_expression.get(column.expression) if column.expression is not None else None

    @cached_property
    def _by_name(self) -> dict[str, ColumnStep]:
        return {fold(column.name): column for column in self.columns}

    @cached_property
    def _by_expression(self) -> dict[str, Column]:
        return {quote(column.name): column for column in (self.source.columns if self.source is not None else ())}


@dataclass(frozen=True)
class Recorded:
    """An old table that is recorded (or, without a ``key``, only fenced)."""

    number: int
    table: Table
    key: SourceKey | None


@dataclass(frozen=True)
class CopyPlan:
    """``steps`` are in foreign key order, parents first; ``recorded`` are all ordinary tables of the old database."""

    old: Catalog
    new: Catalog
    steps: tuple[TableStep, ...]
    recorded: tuple[Recorded, ...]
    hash: str
    replay_triggers: tuple[str, ...] = ()  # names of new triggers that also fire for replayed rows

    @property
    def has_groups(self) -> bool:
        """Whether rows of any table become one."""
        return any(step.grouping is not None for step in self.steps)

    def is_affected(self, step: TableStep) -> bool:
        """Whether the rows of a table are fewer, or lead elsewhere, once others have become one."""
        parents = (self.step(one.parent) for one in step.translations)
        return step.grouping is not None or any(parent is not None and parent.loses_rows for parent in parents)

    def step(self, table: str) -> TableStep | None:
        """The step that fills the new table of that name."""
        folded = fold(table)
        return next((step for step in self.steps if fold(step.table.name) == folded), None)


@dataclass(frozen=True)
class Finding:
    """What a check saw. ``fix`` is the line to write in the schema module, or None."""

    check: str
    severity: Severity
    table: str | None
    message: str
    fix: str | None = None


@dataclass(frozen=True)
class Probe:
    """A question to the old database's data: a SELECT whose rows (``count``, then samples) go back to the check.

    What no answer can block is ``only_told``: whoever carries the plan out need not ask.
    """

    check: str
    subject: str  # what the check needs to recognise its own question
    sql: str
    parameters: tuple[Any, ...] = ()
    only_told: bool = False


@dataclass(frozen=True)
class Answer:
    """``error`` is what SQLite said when the question could not be answered; there are no rows then.

    ``cut_short`` says that it was taking too long for the writers of a database in rollback-journal mode.
    """

    probe: Probe
    rows: tuple[tuple[Any, ...], ...]
    error: str | None = None
    cut_short: bool = False
