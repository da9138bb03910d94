"""The SQL that finds groups, ranks their rows and says what becomes of each, for one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hotmig.planning.grouping import with_canonical
from hotmig.planning.model import ColumnStep, Grouping, TableStep
from hotmig.planning.projection import projected, unmapped
from hotmig.planning.value_maps import canonical, looked_up
from hotmig.sqlite import conjunction, fold, quote, same, text
from hotmig.transfer import fates
from hotmig.transfer.fates import COLLIDES, DROPPED, FATE, HOMELESS, KEPT, MADE, MERGED
from hotmig.transfer.step_sql import StepSql, matches_as_stored

GROUP = "_migration_group_{}"
# Of a member of a Merge how near it is to the canonical row; of one of Duplicates 0 where it is canonical, else 1.
LEVEL = "_migration_level"
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
        """The keys whose group has to be looked at again; ``seen`` is 1 behind that."""
        return f"temp._migration_stale_{self.step.number}"

    @property
    def groups(self) -> str:
        """The groups that are ranked now."""
        return f"temp._migration_groups_{self.step.number}"

    @property
    def ranked(self) -> str:
        return f"temp._migration_ranked_{self.step.number}"

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
            return ((f"({canonical(self.step, self._by, self._spelling)})", "BINARY"),)
        return tuple(value for name, collation in self.grouping.key for value in self._apart(name, collation))

    @property
    def group_names(self) -> tuple[str, ...]:
        return tuple(GROUP.format(number) for number in range(1, len(self.values) + 1))

    @cached_property
    def compared(self) -> tuple[str, ...]:
        return tuple(value for name in self.grouping.compare for value, _ in self._apart(name, "BINARY"))

    @property
    def compared_names(self) -> tuple[str, ...]:
        return tuple(f"x{number}" for number in range(1, len(self.compared) + 1))

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
    def _by(self) -> ColumnStep:
        column = self.step.column(self.grouping.merges_by or "")
        if column is None:
            raise ValueError(f"{self.step.table.name} has no {self.grouping.merges_by}")
        return column

    @property
    def _spelling(self) -> str:
        """How an old row writes the value that a Merge goes by."""
        return f"({projected(self.step, unmapped(self._by))})"

    # --- tables

    @cached_property
    def create_stored(self) -> tuple[str, ...]:
        """The tables of the new file."""
        keys = ", ".join(self.keys)
        winners = ", ".join(fates.winner_names(self.step))
        made = "".join(f", {quote(name)}" for name, _ in self.grouping.create or ())
        return (
            f"CREATE TABLE {fates.members(self.step)}({keys}, {self._declared}, {LEVEL} INTEGER NOT NULL,"
            f" PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {fates.table(self.step)}({keys}, {FATE} TEXT NOT NULL, {MADE} INTEGER NOT NULL, {winners},"
            f" PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {fates.lent(self.step)}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {fates.created(self.step)}({GROUP.format(1)} TEXT PRIMARY KEY, live INTEGER NOT NULL,"
            f" planted INTEGER NOT NULL{made}) WITHOUT ROWID",
        )

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
            f"CREATE TEMP TABLE {short['stale']}({keys}, seen INTEGER NOT NULL, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TEMP TABLE {short['groups']}({declared}, PRIMARY KEY ({groups})) WITHOUT ROWID",
            f"CREATE TEMP TABLE {short['ranked']}({keys}, {declared}, place, nth, level, collides, first{compared})",
            f"CREATE INDEX temp.{short['ranked']}_groups ON {short['ranked']}({groups}, nth)",
            f"CREATE TEMP TABLE {short['ranked']}_stopped({declared}, PRIMARY KEY ({groups})) WITHOUT ROWID",
            f"CREATE TEMP TABLE {short['verdicts']}({keys}, {FATE}, {MADE}, {winners}, PRIMARY KEY ({keys}))"
            " WITHOUT ROWID",
            f"CREATE TEMP TABLE {changed}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
        )

    # --- members

    def select_members(self, rows: str) -> str:
        """The old key, group key and level of the old rows ``o``; ``rows`` is what stands behind FROM, with its
        condition."""
        given = conjunction(f"{name} IS NOT NULL" for name in self.group_names)
        return f"{self.computed_members(rows)} SELECT * FROM computed WHERE {given}"

    def computed_members(self, rows: str) -> str:
        """The same of every row, as the WITH of a statement. With LIMIT each value is looked up once."""
        names = ", ".join([*self.keys, *self.group_names])
        values = ", ".join([*self.sql.source_key_of("o"), *(value for value, _ in self.values)])
        if self.grouping.merges_by is None:
            level = f"NOT {self.sql.is_canonical()}"
            return f"WITH computed({names}, {LEVEL}) AS (SELECT {values}, {level} FROM {rows} LIMIT -1)"
        return (
            f"WITH looked_up({names}, spelling) AS (SELECT {values}, {self._spelling} FROM {rows} LIMIT -1),"
            f" computed({names}, {LEVEL}) AS (SELECT {names}, {self._level()} FROM looked_up LIMIT -1)"
        )

    def same_group(self, left: str, right: str) -> str:
        """By the collation of the group key, which is that of the left side."""
        return conjunction(f"{left}.{name} = {right}.{name}" for name in self.group_names)

    def same_key(self, left: str, right: str) -> str:
        return conjunction(f"{left}.{name} = {right}.{name}" for name in self.keys)

    # --- ranks

    def select_ranked(self) -> str:
        """The rows of ``groups``, each with its place among the others."""
        keys, groups = ", ".join(f"m.{name}" for name in self.keys), ", ".join(f"m.{name}" for name in self.group_names)
        if self.grouping.merges_by is not None:
            # The winner alone: with min() SQLite takes the other columns from the row that it is found in.
            return f"SELECT {keys}, {groups}, 1, 1, min(m.{LEVEL}), 0, 1 FROM {self._members()} GROUP BY {groups}"
        order, collides = self._order()
        first = f"row_number() OVER (PARTITION BY {groups}, {collides} ORDER BY {keys})" if collides != "0" else "1"
        compared = "".join(f", {value}" for value in self.compared)
        return (
            f"SELECT {keys}, {groups}, rank() OVER (PARTITION BY {groups} ORDER BY {order}),"
            f" row_number() OVER (PARTITION BY {groups} ORDER BY {order}, {keys}), m.{LEVEL}, {collides},"
            f" {first}{compared} FROM {self._members()} CROSS JOIN {self.sql.source} AS o ON {self._is_old_row()}"
        )

    def _members(self, alias: str = "m") -> str:
        """The members of the groups that are ranked now."""
        found = self.same_group(alias, "a")
        return f"{self.groups} AS a CROSS JOIN {fates.members(self.step)} AS {alias} ON {found}"

    @property
    def affected(self) -> str:
        """Their old keys."""
        return f"SELECT {', '.join(f'm.{name}' for name in self.keys)} FROM {self._members()}"

    def _is_old_row(self) -> str:
        """Whether ``o`` is the old row of the member ``m``."""
        found = [f"+m.{name}" for name in self.keys]
        return matches_as_stored(self.sql.source_key_of("o"), found, self.sql.source_collations)

    def _order(self) -> tuple[str, str]:
        """The ORDER BY of Duplicates, and whether a row collides with what differs from it."""
        is_canonical = f"m.{LEVEL} = 0"
        terms = [
            f"({with_canonical(term.expression, is_canonical)}\n) {term.direction}" for term in self.grouping.prefer
        ]
        collide = self.grouping.collide
        collides = "0" if collide is None else f"(({with_canonical(collide, is_canonical)}\n) IS TRUE)"
        return ", ".join(terms), collides

    def _level(self) -> str:
        """Over the value ``spelling`` and the canonical one that it has."""
        wanted = GROUP.format(1)
        fold_case = self._by.mapping is not None and self._by.mapping.fold_case
        alike = f"{looked_up('spelling', fold_case)} = {looked_up(wanted, fold_case)}"
        return f"CASE WHEN {same('spelling', wanted)} THEN {EXACT} WHEN {alike} THEN {SPELLED} ELSE {ALIAS} END"

    # --- verdicts

    @property
    def stopped(self) -> str:
        """Of the ranked groups those in which nothing says which row stays."""
        return f"{self.ranked}_stopped"

    def select_stopped(self) -> str:
        """Two best rows; or two that collide and are not the same."""
        if self.grouping.merges_by is not None:
            return self._select_claimed()
        names = ", ".join(f"t.{name}" for name in self.group_names)
        tie = f"SELECT DISTINCT {names} FROM {self.ranked} AS t WHERE t.nth = 2 AND t.place = 1"
        if self.grouping.collide is None:
            return tie
        return (
            f"{tie} UNION SELECT {names} FROM {self.ranked} AS t JOIN {self.ranked} AS d ON {self.same_group('d', 't')}"
            f" WHERE t.collides AND t.first = 1 AND d.collides AND NOT {self._is_same('t', 'd')}"
        )

    def _select_claimed(self) -> str:
        """Of a Merge: two rows as near to the canonical one as the winner, which is no alias."""
        other = (
            f"SELECT 1 FROM {fates.members(self.step)} AS m WHERE {self.same_group('m', 'w')}"
            f" AND m.{LEVEL} = w.level AND NOT {self.same_key('m', 'w')}"
        )
        names = ", ".join(f"w.{name}" for name in self.group_names)
        return f"SELECT {names} FROM {self.ranked} AS w WHERE w.level < {ALIAS} AND EXISTS ({other})"

    def select_verdicts(self) -> str:
        """What becomes of each ranked row that does not simply stay."""
        own = ", ".join(f"r.{name}" for name in self.keys)
        winner = ", ".join(f"w.{name}" for name in self.keys)
        won = f"{self.ranked} AS w ON {self.same_group('w', 'r')} AND w.nth = 1"
        if self.grouping.merges_by is not None:
            rows = f"{self._members('r')} CROSS JOIN {won}"
            is_merged = f"(r.{LEVEL} = {ALIAS} OR NOT {self.same_key('r', 'w')} OR {self._is_stopped})"
            return f"SELECT {own}, {self._merge_fate()}, {self._winners()} FROM {rows} WHERE {is_merged}"
        fate = f"CASE WHEN {self._is_stopped} THEN {text(COLLIDES)} {self._loses()} END"
        rows = f"{self.ranked} AS r CROSS JOIN {won}"
        return f"SELECT {own}, {fate}, 0, {winner} FROM {rows} WHERE r.nth > 1 OR {self._is_stopped}"

    @property
    def _is_stopped(self) -> str:
        found = conjunction(f"s.{name} = r.{name}" for name in self.group_names)
        return f"EXISTS (SELECT 1 FROM {self.stopped} AS s WHERE {found})"

    def _loses(self) -> str:
        stays = KEPT if self.grouping.losers is not None else DROPPED
        if self.grouping.keeps_equal:
            return f"ELSE {text(stays)}"
        return f"WHEN {self._is_same('r', 'w')} THEN {text(MERGED)} ELSE {text(stays)}"

    def _is_same(self, left: str, right: str) -> str:
        names = self.compared_names
        return conjunction(same(f"{left}.{name}", f"{right}.{name}", signed_zero=True) for name in names)

    def _merge_fate(self) -> str:
        homeless = MERGED if self.grouping.create is not None else HOMELESS
        return (
            f"CASE WHEN {self._is_stopped} THEN {text(COLLIDES)} WHEN w.level = {ALIAS} THEN {text(homeless)}"
            f" ELSE {text(MERGED)} END"
        )

    def _winners(self) -> str:
        """Whether the winner is made, and the old key of the winner; of one that is made, the key that it has."""
        made = self._made_key()
        values = [
            f"CASE WHEN w.level = {ALIAS} THEN {key} ELSE w.{name} END"
            for name, key in zip(self.keys, made, strict=True)
        ]
        return ", ".join([f"w.level = {ALIAS}", *values])

    def _made_key(self) -> Sequence[str]:
        """Where keys are kept these are its columns; where they are not, the canonical value tells it apart."""
        group = f"r.{GROUP.format(1)}"
        if self.grouping.create is None:
            return [f"w.{name}" for name in self.keys]
        if self.step.keys != "kept":
            return [group, *("''" for _ in self.keys[1:])]
        return [self.made_value(name, group) for name in self.step.new_key]

    def made_value(self, name: str, group: str) -> str:
        """One column of the row that is made for a canonical value."""
        if fold(name) == fold(self._by.name):
            return group
        source = fates.created(self.step)
        return f"(SELECT n.{quote(name)} FROM {source} AS n WHERE n.{GROUP.format(1)} = {group})"


def groups_of(steps: Iterable[StepSql]) -> tuple[GroupSql, ...]:
    """One for each step whose rows are grouped, in foreign key order."""
    return tuple(GroupSql(step) for step in steps if step.step.grouping is not None)
