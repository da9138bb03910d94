"""The SQL that finds groups, ranks their rows and says what becomes of each, for one table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hotmig.catalog.affinity import column_affinity
from hotmig.planning.model import ColumnStep, Grouping, TableStep
from hotmig.planning.projection import projected, unmapped
from hotmig.planning.value_maps import canonical, looked_up
from hotmig.sqlite import conjunction, disjunction, fold, quote, same
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import FATE, LEVEL, LIVE, MADE, PLANTED
from hotmig.transfer.key_sql import matches_as_stored
from hotmig.transfer.step_sql import StepSql

GROUP = "_migration_group_{}"
# Of the rows that are ranked. Where old rows stand beside them, each of these names must be ours.
NUMBER, PLACE, COLLIDES_TOO = "_migration_number", "_migration_place", "_migration_collides"
AGAINST = "_migration_against"  # of a group that is stopped because rows collide: the place of the best of these
SEEN = "_migration_seen"  # of a stale key: whether its group was looked at again
COMPARED = "_migration_compared_{}"
ANEW = "_migration_anew"  # of an old row: whether it is another one as a loser that stays
EXACT, SPELLED, ALIAS = 0, 1, 2  # how near a row of a Merge is to the canonical one


@dataclass(frozen=True)
class GroupSql:
    """One table whose rows are grouped. The temporary tables go by the step's number."""

    sql: StepSql

    @property
    def step(self) -> TableStep:
        return self.sql.step

    @property
    def grouping(self) -> Grouping:
        if self.step.grouping is None:
            raise ValueError(f"{self.step.table.name} has no groups")
        return self.step.grouping

    @property
    def stale(self) -> str:
        """The keys whose group has to be looked at again; SEEN is 1 behind that."""
        return f"temp._migration_stale_{self.step.number}"

    @property
    def groups(self) -> str:
        """The groups that are ranked now."""
        return f"temp._migration_groups_{self.step.number}"

    @property
    def ranked(self) -> str:
        """Their rows in the order of their groups, best first: PLACE counts on from group to group."""
        return f"temp._migration_ranked_{self.step.number}"

    @property
    def stopped(self) -> str:
        """Of the ranked groups those in which nothing says which row stays."""
        return f"{self.ranked}_stopped"

    @property
    def verdicts(self) -> str:
        """What becomes of the rows of these groups, as it has to be."""
        return f"temp._migration_verdicts_{self.step.number}"

    @property
    def changed(self) -> str:
        """The keys whose fate has changed since the rows were last read."""
        return f"temp._migration_changed_{self.step.number}"

    @property
    def keys(self) -> tuple[str, ...]:
        return fates.key_names(self.step)

    @cached_property
    def values(self) -> tuple[tuple[str, str], ...]:
        """(SQL over the old row ``o``, collation) for each column of the group key; NULL is in no group."""
        if self.grouping.merges_by is not None:
            return ((f"({canonical(self.step, self.by, self._spelling)})", "BINARY"),)
        return tuple(value for name, collation in self.grouping.key for value in self._apart(name, collation))

    @property
    def group_names(self) -> tuple[str, ...]:
        return tuple(GROUP.format(number) for number in range(1, len(self.values) + 1))

    @cached_property
    def compared(self) -> tuple[str, ...]:
        return tuple(value for name in self.grouping.compare for value, _ in self._apart(name, "BINARY"))

    @property
    def compared_names(self) -> tuple[str, ...]:
        return tuple(COMPARED.format(number) for number in range(1, len(self.compared) + 1))

    @property
    def compared_titles(self) -> tuple[str, ...]:
        """What people call the compared values."""
        names = self.grouping.compare
        return names if len(names) == len(self.compared) else tuple(f"x{n}" for n in range(1, len(self.compared) + 1))

    @property
    def group_titles(self) -> tuple[str, ...]:
        names = tuple(name for name, _ in self.grouping.key)
        return names if len(names) == len(self.group_names) else self.group_names

    @property
    def told_titles(self) -> tuple[str, ...]:
        """What messages call the values of the group key: that of a Merge is the one that the row gets, not its own.

        () where a column stands for several values.
        """
        arrow = " →" if self.grouping.merges_by is not None else ""
        names = tuple(f"{name}{arrow}" for name, _ in self.grouping.key)
        return names if len(names) == len(self.group_names) else ()

    def _apart(self, name: str, collation: str) -> list[tuple[str, str]]:
        """What tells the new values of a column apart; a reference is the same where the row is that it leads to."""
        for translation in self.step.translations:
            if fold(name) in map(fold, translation.targets):
                return [(value, "BINARY") for value in self.sql.survivor(translation)]
        column = self.step.column(name)
        if column is None:
            raise ValueError(f"{self.step.table.name}.{name} is not filled")
        return [(f"({self.sql.carried(column)})", collation)]

    @property
    def by(self) -> ColumnStep:
        column = self.step.column(self.grouping.merges_by or "")
        if column is None:
            raise ValueError(f"{self.step.table.name} has no {self.grouping.merges_by}")
        return column

    @property
    def _spelling(self) -> str:
        """How an old row writes the value that a Merge goes by."""
        return f"({projected(self.step, unmapped(self.by))})"

    # --- tables

    @cached_property
    def create_stored(self) -> tuple[str, ...]:
        """The tables of the new file."""
        keys = ", ".join(self.keys)
        winners = ", ".join(fates.winner_names(self.step))
        made = "".join(f", {quote(name)} {self._kept_as(name)}" for name, _ in self.grouping.create or ())
        return (
            f"CREATE TABLE {fates.members(self.step)}({keys}, {self._declared}, {LEVEL} INTEGER NOT NULL,"
            f" PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {fates.table(self.step)}({keys}, {FATE} TEXT NOT NULL, {MADE} INTEGER NOT NULL, {winners},"
            f" PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {fates.lent(self.step)}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {fates.created(self.step)}({GROUP.format(1)} TEXT PRIMARY KEY, {LIVE} INTEGER NOT NULL,"
            f" {PLANTED} INTEGER NOT NULL{made}) WITHOUT ROWID",
        )

    def _kept_as(self, name: str) -> str:
        """The type that makes of a value what the new column makes of it."""
        column = self.step.table.column(name)
        affinity = column_affinity(self.step.table, column) if column is not None else "BLOB"
        return "" if affinity == "BLOB" else affinity

    @property
    def index_members(self) -> str:
        """For when they are all there."""
        name = fates.members(self.step).removeprefix("main.")
        return f"CREATE INDEX IF NOT EXISTS main.{name}_groups ON {name}({', '.join(self.group_names)}, {LEVEL})"

    @property
    def _declared(self) -> str:
        return ", ".join(
            f"{name} COLLATE {quote(collation)}"
            for name, (_, collation) in zip(self.group_names, self.values, strict=True)
        )

    @cached_property
    def create_temporary(self) -> tuple[str, ...]:
        keys, groups, declared = ", ".join(self.keys), ", ".join(self.group_names), self._declared
        compared = "".join(f", {name}" for name in self.compared_names)
        winners = ", ".join(fates.winner_names(self.step))
        short = {name: getattr(self, name).removeprefix("temp.") for name in ("stale", "groups", "ranked", "verdicts")}
        changed = self.changed.removeprefix("temp.")
        return (
            f"CREATE TEMP TABLE {short['stale']}({keys}, {SEEN} INTEGER NOT NULL, PRIMARY KEY ({keys})) WITHOUT ROWID",
            # From here on a group goes by its number: a row is found by it sooner than by several texts.
            f"CREATE TEMP TABLE {short['groups']}({NUMBER} INTEGER PRIMARY KEY, {declared}, UNIQUE ({groups}))",
            f"CREATE TEMP TABLE {short['ranked']}({PLACE} INTEGER PRIMARY KEY, {NUMBER} INTEGER, {keys}, {LEVEL},"
            f" {COLLIDES_TOO}{compared})",
            f"CREATE INDEX temp.{short['ranked']}_groups ON {short['ranked']}({NUMBER})",
            f"CREATE TEMP TABLE {short['ranked']}_stopped({NUMBER} INTEGER PRIMARY KEY, {AGAINST} INTEGER)",
            f"CREATE TEMP TABLE {short['verdicts']}({keys}, {FATE}, {MADE}, {winners}, PRIMARY KEY ({keys}))"
            " WITHOUT ROWID",
            f"CREATE TEMP TABLE {changed}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            self._create_told,
        )

    @property
    def told(self) -> str:
        """What a report tells of an old row: its key, what it is compared by, and whether losers= changes it.

        A view, for SQLite parses it by itself: an expression inside of others inside of JSON is nested too deep for it
        ("parser stack overflow").
        """
        return f"temp._migration_told_{self.step.number}"

    @property
    def _create_told(self) -> str:
        changes = [
            f"NOT {same(f'({self.sql.carried(column)})', f'({self.sql.value(column)})')}"
            for name, _ in self.grouping.losers or ()
            if (column := self.step.column(name)) is not None
        ]
        named = [
            *zip(self.sql.source_key_of("o"), self.keys, strict=True),
            *zip(self.compared, self.compared_names, strict=True),
            (disjunction(changes) if changes else "0", ANEW),
        ]
        listed = ", ".join(f"{sql} AS {name}" for sql, name in named)
        return f"CREATE TEMP VIEW {self.told.removeprefix('temp.')} AS SELECT {listed} FROM {self.sql.old_rows}"

    # --- members

    def select_members(self, rows: str) -> str:
        """The old key, group key and level of the old rows ``o``; ``rows`` is what stands behind FROM, with its
        condition."""
        given = conjunction(f"{name} IS NOT NULL" for name in self.group_names)
        return f"{self.computed_members(rows)} SELECT * FROM computed WHERE {given}"

    def computed_members(self, rows: str) -> str:
        """The same of every row, as the WITH of a statement."""
        names = ", ".join([*self.keys, *self.group_names])
        values = ", ".join([*self.sql.source_key_of("o"), *(value for value, _ in self.values)])
        if self.grouping.merges_by is None:
            level = f"NOT {self.sql.is_canonical()}"
            return f"WITH computed({names}, {LEVEL}) AS (SELECT {values}, {level} FROM {rows}{self._once})"
        return (
            f"WITH looked_up({names}, spelling) AS (SELECT {values}, {self._spelling} FROM {rows} LIMIT -1),"
            f" computed({names}, {LEVEL}) AS (SELECT {names}, {self._level()} FROM looked_up LIMIT -1)"
        )

    @property
    def _once(self) -> str:
        """With LIMIT a value is looked up once, however often it is asked for; for a bare one that takes longer."""
        return " LIMIT -1" if any("SELECT" in value for value, _ in self.values) else ""

    def same_group(self, left: str, right: str) -> str:
        """By the collation of the group key, which is that of the left side."""
        return conjunction(f"{left}.{name} = {right}.{name}" for name in self.group_names)

    def same_key(self, left: str, right: str) -> str:
        return conjunction(f"{left}.{name} = {right}.{name}" for name in self.keys)

    def _level(self) -> str:
        """Over the value ``spelling`` and the canonical one that it has."""
        wanted = GROUP.format(1)
        fold_case = self.by.mapping is not None and self.by.mapping.fold_case
        alike = f"{looked_up('spelling', fold_case)} = {looked_up(wanted, fold_case)}"
        return f"CASE WHEN {same('spelling', wanted)} THEN {EXACT} WHEN {alike} THEN {SPELLED} ELSE {ALIAS} END"

    # --- what is ranked

    def members_of_groups(self, alias: str = "m") -> str:
        """The members of the groups that are ranked now."""
        found = self.same_group(alias, "a")
        return f"{self.groups} AS a CROSS JOIN {fates.members(self.step)} AS {alias} ON {found}"

    @property
    def affected(self) -> str:
        """Their old keys."""
        return f"SELECT {', '.join(f'm.{name}' for name in self.keys)} FROM {self.members_of_groups()}"

    def is_old_row(self) -> str:
        """Whether ``o`` is the old row of the member ``m``."""
        found = [f"+m.{name}" for name in self.keys]
        return matches_as_stored(self.sql.source_key_of("o"), found, self.sql.source_collations)

    def made_value(self, name: str, group: str) -> str:
        """One column of the row that is made for a canonical value."""
        if fold(name) == fold(self.by.name):
            return group
        source = fates.created(self.step)
        return f"(SELECT n.{quote(name)} FROM {source} AS n WHERE n.{GROUP.format(1)} = {group})"


def groups_of(steps: Iterable[StepSql]) -> tuple[GroupSql, ...]:
    """One for each step whose rows are grouped, in foreign key order."""
    return tuple(GroupSql(step) for step in steps if step.step.grouping is not None)
