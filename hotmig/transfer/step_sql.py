"""The SQL of one table's transfer: temporary views and tables over ``main`` (the new file) and ``old``.

Columns of views go by position (``c1``, ``c2``, …; ``k1``, … for the old key), so that no name of a user's column can
collide with ours, and so that a table of 2,000 columns has no more than that in its view. Temporary tables begin with
``_migration_``, which ``plan`` keeps for us: in the copy of a trigger that is temporary too, a bare name finds them
first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Affinity, Column
from hotmig.planning.following import follows_only_the_key, kept_in_part
from hotmig.planning.grouping import with_canonical
from hotmig.planning.model import ColumnStep, CopyPlan, SourceKey, TableStep, Touch, Translation
from hotmig.planning.projection import projected, unmapped
from hotmig.schema.model import SeedRow
from hotmig.sqlite import conjunction, disjunction, fold, quote, same, text
from hotmig.transfer.bookkeeping import columns as key_columns
from hotmig.transfer.comparison import Comparison
from hotmig.transfer.groups import fates
from hotmig.transfer.key_sql import index_collations, matches, matches_as_stored, row_value


@dataclass(frozen=True)
class StepSql:
    """Names and expressions for one step that has a source."""

    step: TableStep
    plan: CopyPlan

    @property
    def source_key(self) -> SourceKey:
        if self.step.source_key is None:
            raise ValueError(f"{self.step.table.name} has no source")
        return self.step.source_key

    @property
    def keys(self) -> str:
        """The logged keys."""
        return f"temp._migration_keys_{self.step.number}"

    @property
    def latest(self) -> str:
        """The keys that were logged since the last look."""
        return f"temp._migration_latest_{self.step.number}"

    @property
    def view(self) -> str:
        """The projection."""
        return f"temp._migration_projection_{self.step.number}"

    @property
    def copied(self) -> str:
        """The projection as the copy reads it."""
        return f"temp._migration_copied_{self.step.number}"

    @property
    def rows(self) -> str:
        """The projected rows of the logged keys."""
        return f"temp._migration_rows_{self.step.number}"

    @property
    def doomed(self) -> str:
        """The new keys of the rows that a replay takes out."""
        return f"temp._migration_doomed_{self.step.number}"

    def referred(self, translation: Translation) -> str:
        """What the latest parents of that reference are called, and were called before."""
        return f"temp._migration_referred_{self.step.number}_{self.step.translations.index(translation)}"

    @property
    def seed(self) -> str:
        return f"temp._migration_seed_{self.step.number}"

    @property
    def source(self) -> str:
        return f"old.{quote(self.source_key.table)}"

    @property
    def old_rows(self) -> str:
        """The old rows ``o``, with what became of them."""
        return f"{self.source} AS o{self.with_fates}"

    @cached_property
    def with_fates(self) -> str:
        """Puts beside the old row ``o`` its own fate, and those of the rows that it refers to by their key.

        So each is looked up once, however many columns and conditions ask for it.
        """
        joins = []
        if self.step.grouping is not None:
            joins.append((self.step, fates.OWN, self.source_key_of("o"), "1"))
        for one in self.step.translations:
            parent = self.plan.step(one.parent)
            if parent is not None and parent.loses_rows and self._names_the_key(one, StepSql(parent, self.plan)):
                alias = self._parent_fate(one)
                joins.append((parent, alias, self.named_key(one, StepSql(parent, self.plan)), f"{alias}.{fates.GONE}"))
        return "".join(
            f" LEFT JOIN {fates.table(step)} AS {alias} ON {fates.is_row(step, alias, key)} AND {condition}"
            for step, alias, key, condition in joins
        )

    def _parent_fate(self, translation: Translation) -> str:
        return fates.PARENT.format(self.step.translations.index(translation) + 1)

    @property
    def stays(self) -> str:
        """Whether the old row ``o``, beside its fate, has not become one with another."""
        return f"NOT coalesce({fates.OWN}.{fates.GONE}, 0)" if self.step.loses_rows else "1"

    @property
    def target(self) -> str:
        return f"main.{quote(self.step.table.name)}"

    @property
    def label(self) -> str:
        """The table's name as a literal: under it stand its mappings and its copy state."""
        return text(self.step.table.name)

    @cached_property
    def written(self) -> tuple[ColumnStep, ...]:
        """The columns that get a value from the old row, in the order of ``c1``, ``c2``, …"""
        filled = self.from_elsewhere | {fold(name) for seed in self.winning_seeds for name in seed.columns}
        columns = [
            column
            for column in self.step.columns
            if column.expression is not None or column.assigned or fold(column.name) in filled
        ]
        if self.step.keys == "mapped" and self.step.table.column(self.step.new_key[0]) is None:
            # The new table has no key of its own: its bare rowid is what the mapping leads to.
            columns.append(ColumnStep(self.step.new_key[0], None, "the rowid", assigned=True))
        return tuple(columns)

    @cached_property
    def from_elsewhere(self) -> frozenset[str]:
        """The columns, folded, whose value is that of another row, or what a rule sets."""
        return frozenset(fold(name) for one in self.step.translations for name in one.targets) | self.step.set_columns

    @cached_property
    def positions(self) -> dict[str, str]:
        """New column name, folded, → its name in the view."""
        return {fold(column.name): f"c{number}" for number, column in enumerate(self.written, 1)}

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The names of the old key's columns in view and temporary tables."""
        if self.step.keys == "kept" and all(fold(name) in self.positions for name in self.step.new_key):
            return tuple(self.positions[fold(name)] for name in self.step.new_key)
        return tuple(f"k{number}" for number in range(1, len(self.source_key.columns) + 1))

    @cached_property
    def new_key(self) -> tuple[str, ...]:
        """The names of the new key's columns in view and temporary tables."""
        if self.step.keys == "kept":
            return self.key
        return tuple(self.positions[fold(name)] for name in self.step.new_key)

    @property
    def target_key(self) -> tuple[str, ...]:
        """The new key's columns, quoted, in the new table."""
        return tuple(quote(name) for name in self.step.new_key)

    @cached_property
    def target_collations(self) -> tuple[str, ...]:
        return index_collations(self.step.table, self.step.new_key)

    @cached_property
    def source_collations(self) -> tuple[str, ...]:
        """What to write behind a comparison so that SQLite uses the old key's index: nothing for a rowid."""
        if self.source_key.kind in ("integer", "rowid"):
            return ("",) * len(self.source_key.columns)
        return self.source_key.collations

    @cached_property
    def has_key_columns(self) -> bool:
        """Whether the view carries the old key apart from the new columns."""
        return self.key[0].startswith("k")

    @cached_property
    def view_columns(self) -> tuple[str, ...]:
        keys = self.key if self.has_key_columns else ()
        return (*keys, *(f"c{number}" for number in range(1, len(self.written) + 1)))

    @cached_property
    def insert_columns(self) -> tuple[tuple[str, str], ...]:
        """(column of the new table, column of the view) for every value that is written."""
        pairs = [(quote(column.name), f"c{number}") for number, column in enumerate(self.written, 1)]
        if self.step.keys == "kept" and self.has_key_columns:
            pairs[:0] = list(zip(self.target_key, self.key, strict=True))
        return tuple(pairs)

    def insert(self, rows: str) -> str:
        """The INSERT of projected rows: ``rows`` is what stands behind FROM to get them under the alias ``p``.

        OR ABORT, because an ON CONFLICT clause of the new table would otherwise drop rows in silence.
        """
        columns = ", ".join(column for column, _ in self.insert_columns)
        values = ", ".join(f"p.{position}" for _, position in self.insert_columns)
        return f"INSERT OR ABORT INTO {self.target}({columns}) SELECT {values} FROM {rows}"

    @cached_property
    def comparison(self) -> Comparison:
        """How the new rows are compared with the projection."""
        return Comparison(self)

    def key_of(self, alias: str) -> tuple[str, ...]:
        """The old key's columns of the view or a temporary table under ``alias``."""
        return tuple(f"{alias}.{name}" for name in self.key)

    def new_key_of(self, alias: str) -> tuple[str, ...]:
        return tuple(f"{alias}.{name}" for name in self.new_key)

    def source_key_of(self, alias: str) -> tuple[str, ...]:
        """The old key's columns in the old table."""
        return tuple(f"{alias}.{quote(name)}" for name in self.source_key.columns)

    def target_key_of(self, alias: str) -> tuple[str, ...]:
        return tuple(f"{alias}.{name}" for name in self.target_key)

    def is_doomed(self, alias: str) -> str:
        """Whether the row of the new table under ``alias`` is one that a replay takes out.

        By the collations of the key's index: under a column's own, 'bob' could take an undoomed 'BOB' along.
        """
        key = []
        for name, collation in zip(self.step.new_key, self.target_collations, strict=True):
            column = self.step.table.column(name)
            own = column is None or fold(column.collation) == fold(collation)
            # Said only where it is another one: SQLite finds no row value with COLLATE in it by an index.
            key.append(f"{alias}.{quote(name)}" + (f" COLLATE {quote(collation)}" if collation and not own else ""))
        doomed = ", ".join(f"+d{number}" for number in range(1, len(key) + 1))
        return f"{row_value(key)} IN (SELECT {doomed} FROM {self.doomed})"

    @property
    def logged_rows(self) -> str:
        """What stands behind FROM to get the projection ``p`` of the logged keys ``k``."""
        found = matches_as_stored(self.key_of("p"), self.key_of("k"), self.source_collations)
        return f"{self.keys} AS k CROSS JOIN {self.view} AS p ON {found}"

    @cached_property
    def create(self) -> tuple[str, ...]:
        """The temporary tables and the view."""
        keys = ", ".join(self.key)
        rows = ", ".join(self.view_columns)
        doomed = ", ".join(f"d{number}" for number in range(1, len(self.step.new_key) + 1))
        return (
            f"CREATE TEMP TABLE _migration_keys_{self.step.number}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TEMP TABLE _migration_latest_{self.step.number}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TEMP TABLE _migration_rows_{self.step.number}({rows}, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TEMP TABLE _migration_doomed_{self.step.number}({doomed})",
            f"CREATE TEMP VIEW _migration_projection_{self.step.number}({rows}) AS {self._select(direct=False)}",
            f"CREATE TEMP VIEW _migration_copied_{self.step.number}({rows}) AS {self._select(direct=True)}",
            *map(self._create_referred, self.step.translations),
        )

    def _create_referred(self, translation: Translation) -> str:
        """With the types and collations of the parent's columns, for it is by these that a foreign key compares."""
        step = self.plan.step(translation.parent)
        parent = step.source if step is not None else None
        columns = []
        for number, name in enumerate(translation.parent_columns, 1):
            column = parent.column(name) if parent is not None else None
            typed = (
                f"{column_affinity(parent, column)} COLLATE {quote(column.collation)}" if parent and column else "INT"
            )
            columns.append((f"p{number}", typed))
        # UNIQUE, because PRIMARY KEY would make a rowid of an INTEGER, which takes no text.
        unique = ", ".join(name for name, _ in columns)
        table = self.referred(translation).removeprefix("temp.")
        return f"CREATE TEMP TABLE {table}({', '.join(map(' '.join, columns))}, UNIQUE ({unique}))"

    def _select(self, direct: bool) -> str:
        """``direct`` spares the search for the parent row where its key can be no other: half the time of a copy.

        Only the copy does so. Replay and proof ask SQLite itself, and so the proof judges this too.
        """
        named = [(name, f"o.{quote(old)}") for name, old in zip(self.key, self.source_key.columns, strict=True)]
        pairs = named if self.has_key_columns else []
        pairs += [(f"c{number}", self._value(column, direct)) for number, column in enumerate(self.written, 1)]
        plain = f"SELECT {', '.join(f'{value} AS {name}' for name, value in pairs)} FROM {self.old_rows}"
        if self.step.loses_rows:
            plain += f" WHERE {self.stays}"
        return self._with_seeds(plain) if self.winning_seeds else plain

    def _with_seeds(self, plain: str) -> str:
        """At its key a seed row's columns win over the old row's."""
        values = [f"p.{name}" for name in self.key] if self.has_key_columns else []
        collations = dict(zip(self.key, self.source_key.collations, strict=True))
        for number in range(1, len(self.written) + 1):
            value = f"CASE WHEN substr(s.given, {number}, 1) = '1' THEN s.c{number} ELSE p.c{number} END"
            # CASE has no collation, and the walk's bounds were found by the key's own: rows would fall between them.
            collation = collations.get(f"c{number}") or "BINARY"
            values.append(f"({value}) COLLATE {quote(collation)}" if collation != "BINARY" else value)
        join = f"LEFT JOIN {self.seed} AS s ON s.wins AND {self._is_seed_of('p')}"
        return f"SELECT {', '.join(values)} FROM ({plain}) AS p {join}"

    def _is_seed_of(self, row: str) -> str:
        """Whether the seed ``s`` has the key of ``row``, which has the columns of the view."""
        # Unary plus: with the old column's affinity, a seed '5' would take the old row 5 for its own.
        return matches(self.new_key_of("s"), [f"+{name}" for name in self.new_key_of(row)])

    @property
    def winning_seeds(self) -> tuple[SeedRow, ...]:
        return tuple(seed for seed in self.step.seeds if not seed.if_absent)

    def is_given_by_seeds_alone(self, column: ColumnStep) -> bool:
        """Whether no old row fills this column of ``written``: where no seed gives it a row has its default."""
        return column.expression is None and not column.assigned and fold(column.name) not in self.from_elsewhere

    def has_seed(self, row: str, condition: str) -> str:
        """Whether there is a seed ``s`` of that kind for ``row``."""
        return f"EXISTS (SELECT 1 FROM {self.seed} AS s WHERE {condition} AND {self._is_seed_of(row)})"

    def _value(self, column: ColumnStep, direct: bool) -> str:
        value = self.carried(column, direct)
        return value if fold(column.name) not in self.step.set_columns else self._set(column, value)

    def value(self, column: ColumnStep) -> str:
        """The value of the old row ``o`` as the new row has it."""
        return self._value(column, direct=False)

    def _set(self, column: ColumnStep, value: str) -> str:
        """What a rule sets in rows that moved, and in losers that stay."""
        affinity = column_affinity(self.step.table, self._found(column.name))
        for touch in self.step.touches:
            if fold(touch.column) == fold(column.name):
                own = fates.touched(touch, affinity)
                value = f"CASE WHEN {self._has_moved(touch)} THEN {own} ELSE {value} END"
        grouping = self.step.grouping
        for name, sql in grouping.losers or () if grouping is not None else ():
            if fold(name) == fold(column.name):
                own = stored(with_canonical(sql, self._is_canonical_member()), affinity)
                value = f"CASE WHEN {fates.OWN}.{fates.FATE} = {text(fates.KEPT)} THEN {own} ELSE {value} END"
        return value

    def _is_canonical_member(self) -> str:
        """The same of a loser, as it was found with its group: spelled out, it would nest too deep for SQLite."""
        own = fates.is_row(self.step, "_m", self.source_key_of("o"))
        return f"(SELECT _m.{fates.LEVEL} = 0 FROM {fates.members(self.step)} AS _m WHERE {own})"

    def _has_moved(self, touch: Touch) -> str:
        if touch.through is None:
            return f"NOT {self.is_canonical()}"
        return disjunction(self.is_moved(self.step.translations[position]) for position in touch.through)

    def is_canonical(self) -> str:
        """Whether the old row ``o`` stands under the group key that it has in the new database."""
        names = self.step.grouping.key if self.step.grouping is not None else ()
        terms = []
        for name, _ in names:
            column = self.step.column(name)
            if column is not None and column.mapping is not None:
                terms.append(same(f"({projected(self.step, unmapped(column))})", f"({projected(self.step, column)})"))
            for translation in self.step.translations:
                if fold(name) in map(fold, translation.targets):
                    terms.append(f"NOT {self.is_moved(translation)}")
        return conjunction(terms)

    def is_moved(self, translation: Translation) -> str:
        """Whether the row that the old row ``o`` refers to is another one now."""
        step = self.plan.step(translation.parent)
        if step is None or not step.loses_rows:
            return "0"
        parent = StepSql(step, self.plan)
        if self._names_the_key(translation, parent):
            return f"{self._parent_fate(translation)}.{fates.FATE} IS NOT NULL"
        join = self._join(translation)
        gone = fates.is_gone(step, parent.source_key_of("q"))
        return f"EXISTS (SELECT 1 FROM old.{quote(translation.parent_source)} AS q WHERE {join} AND {gone})"

    def survivor(self, translation: Translation) -> tuple[str, ...]:
        """The old key of the row that the old row ``o`` refers to in the end; NULL for no reference.

        It tells references apart just as what they become does. Of a row that is made, its own key stands in.
        """
        step = self.plan.step(translation.parent)
        if step is None:
            raise ValueError(f"{translation.parent} has no step")
        parent = StepSql(step, self.plan)
        if self._names_the_key(translation, parent):
            key, fate = self.named_key(translation, parent), self._parent_fate(translation)
            winner = fates.winner_names(step, fate) if step.loses_rows else ()
            pairs = itertools.zip_longest(winner, key)
            return tuple(own if won is None else f"coalesce({won}, {own})" for won, own in pairs)
        source, key = f"old.{quote(translation.parent_source)} AS q", parent.source_key_of("q")
        return tuple(
            f"(SELECT {fates.survivor(step, key, position)} FROM {source} WHERE {self._join(translation)})"
            for position in range(len(key))
        )

    @staticmethod
    def _join(translation: Translation) -> str:
        """Whether ``q`` is the row that ``o`` refers to."""
        return conjunction(
            f"q.{quote(theirs)} = +o.{quote(ours)}"
            for theirs, ours in zip(translation.parent_columns, translation.columns, strict=True)
        )

    @staticmethod
    def named_key(translation: Translation, parent: StepSql) -> tuple[str, ...]:
        """The parent's old key as the columns of ``o`` name it."""
        theirs = dict(zip(map(fold, translation.parent_columns), translation.columns, strict=True))
        return tuple(f"o.{quote(theirs[fold(name)])}" for name in parent.source_key.columns)

    def carried(self, column: ColumnStep, direct: bool = False, *, alone: bool = False) -> str:
        """The value of the old row ``o``, before a rule sets it.

        ``alone`` leaves out whether the columns beside a divided reference agree: two can be beside each other."""
        for translation in self.step.translations:
            for target, value_column in zip(translation.targets, translation.value_columns, strict=True):
                if fold(target) == fold(column.name):
                    # A reference takes its parent's value over as its own column keeps it.
                    value = self._translated(translation, value_column, direct)
                    if translation.beside and not alone:
                        agrees = self.agrees(translation, direct)
                        value = f"CASE WHEN {agrees} THEN {value} WHEN {value} IS NOT NULL THEN hotmig_orphan() END"
                    value = self._or_orphan(translation, value)
                    ours = column_affinity(self.step.table, self._found(column.name))
                    value = stored(value, ours, self._parent_affinity(translation, value_column))
                    return self._or_part(translation, value_column, value, ours)
        if column.assigned:
            return f"({self.mapped_value(column.name, self.source_key_of('o'))})"
        if column.expression is None:
            # Only a seed gives this column: every other row has its default.
            return self._found(column.name).default or "NULL"
        return projected(self.step, column)

    def _found(self, name: str) -> Column:
        column = self.step.table.column(name)
        if column is None:
            raise ValueError(f"{self.step.table.name} has no column {name}")
        return column

    def mapped_value(self, new_column: str, old_key: Sequence[str]) -> str:
        """SELECT of one new key column from ``_id_mapping`` for an old key given by expressions.

        A unary plus takes away the affinity: with one, SQLite could not use the mapping's index.
        """
        folded = [fold(name) for name in self.step.new_key]
        new = key_columns("new_id", len(folded))[folded.index(fold(new_column))]
        old = key_columns("old_id", len(old_key))
        where = " AND ".join(f"m.{name} = +{expression}" for name, expression in zip(old, old_key, strict=True))
        return f"SELECT m.{new} FROM main._id_mapping AS m WHERE m.table_name = {self.label} AND {where}"

    def _translated(self, translation: Translation, value_column: str, direct: bool) -> str:
        """The parent row's value. A foreign key finds its parent by the parent's affinity and collation."""
        step = self.plan.step(translation.parent)
        if step is None:
            raise ValueError(f"{translation.parent} has no step")
        parent = StepSql(step, self.plan)
        join = self._join(translation)
        source = f"old.{quote(translation.parent_source)} AS q"
        if step.loses_rows and step.keys == "kept":
            return self._merged(translation, value_column, parent)
        if step.keys == "mapped" and fold(value_column) in {fold(name) for name in step.new_key}:
            if direct and self._names_the_key(translation, parent):
                return f"({parent.mapped_value(value_column, self.named_key(translation, parent))})"
            return (
                f"(SELECT ({parent.mapped_value(value_column, parent.source_key_of('q'))}) FROM {source} WHERE {join})"
            )
        column = next(one for one in step.columns if fold(one.name) == fold(value_column))
        return f"(SELECT {parent.following(column)} FROM {source} WHERE {join})"

    def _merged(self, translation: Translation, value_column: str, parent: StepSql) -> str:
        """The same of a parent that keeps its keys and whose rows can become one: of a row that is gone, its winner's.

        Only rows that are gone have a mapping.
        """
        source, join = f"old.{quote(translation.parent_source)} AS q", self._join(translation)
        column = next(one for one in parent.step.columns if fold(one.name) == fold(value_column))
        names = [fold(name) for name in parent.step.new_key]
        if fold(value_column) not in names:
            return f"(SELECT {parent.following(column)} FROM {source} WHERE {join})"
        if self._names_the_key(translation, parent):
            position = names.index(fold(value_column))
            winner = fates.winner_names(parent.step, self._parent_fate(translation))[position]
            return f"coalesce({winner}, {self.named_key(translation, parent)[position]})"
        mapped = parent.mapped_value(value_column, parent.source_key_of("q"))
        return f"(SELECT coalesce(({mapped}), {projected(parent.step, column)}) FROM {source} WHERE {join})"

    def following(self, column: ColumnStep) -> str:
        """The value of one column of the old row ``q`` of this table, or of the row that it became one with."""
        own = projected(self.step, column)
        if not self.step.loses_rows or column.mapping is not None:
            return own  # a canonical value is the same in all of them
        key = self.source_key_of("q")
        winner = matches(self.source_key_of("w"), fates.winner_names(self.step, "f"), self.source_collations)
        found = f"{fates.table(self.step)} AS f CROSS JOIN {self.source} AS w ON {winner}"
        value = f"SELECT {own} FROM {found} WHERE {fates.is_row(self.step, 'f', key)}"
        return f"CASE WHEN {fates.is_gone(self.step, key)} THEN ({value}) ELSE {own} END"

    def parent_value(self, translation: Translation) -> str:
        """What the old row ``o`` would get from the parent that it refers to; NULL where there is none."""
        return self._translated(translation, translation.value_columns[0], direct=False)

    def agrees(self, translation: Translation, direct: bool = False) -> str:
        """Whether the columns beside a divided reference name the parent that the old row ``o`` refers to.

        Compared as the new foreign key does; a unary plus takes away what else would convert the values.
        """
        parent, terms = self.plan.step(translation.parent), []
        for ours, theirs in translation.beside:
            mine, referred = self.step.column(ours), parent.table.column(theirs) if parent is not None else None
            if parent is None or mine is None or referred is None:
                raise ValueError(f"{self.step.table.name}.{ours} is not filled")
            affinity = column_affinity(parent.table, referred)
            value = stored(
                self.carried(mine, direct, alone=True), affinity, column_affinity(self.step.table, self._found(ours))
            )
            meant = self._translated(translation, theirs, direct)
            terms.append(f"coalesce(+{meant} = +({value}) COLLATE {quote(referred.collation)}, 0)")
        return conjunction(terms)

    def _names_the_key(self, translation: Translation, parent: StepSql) -> bool:
        """Whether the child's own values are the parent's key, letter by letter: compared without conversions."""
        child, theirs = self.step.source, parent.step.source
        if child is None or theirs is None or not self.follows_only_the_key(translation):
            return False
        return all(
            (a := child.column(ours)) is not None
            and (b := theirs.column(name)) is not None
            and column_affinity(child, a) == column_affinity(theirs, b)
            for ours, name in zip(translation.columns, translation.parent_columns, strict=True)
        )

    @staticmethod
    def _or_orphan(translation: Translation, value: str) -> str:
        """A reference to no row stops the statement, unless the schema says that it becomes NULL."""
        if translation.orphans == "null":
            return value
        missing = disjunction(f"o.{quote(name)} IS NULL" for name in translation.columns)
        return f"CASE WHEN {missing} THEN NULL ELSE coalesce({value}, hotmig_orphan()) END"

    def _or_part(self, translation: Translation, value_column: str, value: str, affinity: Affinity) -> str:
        """A reference that is NULL in part refers to nothing, and keeps what it holds where that is still meant."""
        kept = kept_in_part(self.plan, translation, value_column)
        old = self.step.source.column(kept) if self.step.source is not None and kept is not None else None
        if self.step.source is None or old is None:
            return value
        missing = disjunction(f"o.{quote(name)} IS NULL" for name in translation.columns)
        own = stored(f"o.{quote(old.name)}", affinity, column_affinity(self.step.source, old))
        return f"CASE WHEN {missing} THEN {own} ELSE {value} END"

    def _parent_affinity(self, translation: Translation, value_column: str) -> Affinity | None:
        parent = self.plan.new.table(translation.parent)
        column = parent.column(value_column) if parent else None
        return column_affinity(parent, column) if parent and column else None

    def follows_only_the_key(self, translation: Translation) -> bool:
        """Whether a logged parent needs no second look at its children."""
        return follows_only_the_key(self.plan, translation)


def steps_with_source(plan: CopyPlan) -> tuple[StepSql, ...]:
    """One StepSql for each step that has old rows, in foreign key order."""
    return tuple(StepSql(step, plan) for step in plan.steps if step.source is not None and step.source_key is not None)
