"""A second way from a Table to SQL, written for the tests alone, with as many spellings as a seed chooses."""

from __future__ import annotations

import random

from hotmig.catalog.model import Column, ForeignKey, Index, IndexedColumn, PrimaryKey, Table


class Writer:
    """``plain`` writes one spelling; with a ``random.Random`` case, quotes, layout, comments and order vary."""

    def __init__(self, dice: random.Random | None = None) -> None:
        self.dice = dice

    def chance(self) -> bool:
        return self.dice is not None and self.dice.random() < 0.5

    def word(self, text: str) -> str:
        return "".join(letter.lower() if self.chance() else letter for letter in text)

    def space(self) -> str:
        return self.dice.choice([" ", "\n", "  \t", " /* c, ) */ ", " -- it's\n"]) if self.dice else " "

    def name(self, name: str) -> str:
        spellings = ['"' + name.replace('"', '""') + '"']
        if self.dice is None:
            return spellings[0]
        spellings += ["`" + name.replace("`", "``") + "`", "'" + name.replace("'", "''") + "'"]
        if "]" not in name:
            spellings.append(f"[{name}]")
        return self.dice.choice(spellings)

    def join(self, *parts: str) -> str:
        out = ""
        for part in parts:
            if part:
                out += (self.space() if out else "") + part
        return out

    def words(self, text: str) -> str:
        return self.join(*map(self.word, text.split()))

    def statements(self, table: Table) -> list[str]:
        indexes = list(table.indexes)
        if self.dice:
            self.dice.shuffle(indexes)
        return [self.table(table), *(self.index(table, index) for index in indexes)]

    def table(self, table: Table) -> str:
        constraints = self.constraints(table)
        if self.dice:
            self.dice.shuffle(constraints)
        body = ("," + self.space()).join([*(self.column(table, each) for each in table.columns), *constraints])
        options = [self.words("WITHOUT ROWID")] * table.without_rowid + [self.word("STRICT")] * table.strict
        return self.join(self.words("CREATE TABLE"), self.name(table.name), f"({body})", ", ".join(options))

    def column(self, table: Table, column: Column) -> str:
        parts = [self.name(column.name), self.word(column.type)]
        if column.collation != "BINARY":
            parts += [self.word("COLLATE"), self.word(column.collation)]
        if column.not_null:
            parts += [self.words("NOT NULL"), self.conflict(column.not_null_conflict)]
        if column.default is not None:
            parts += [self.word("DEFAULT"), f"({column.default})"]
        if column.generated is not None:
            # Directly behind a type, GENERATED would make a comment before it a part of the type.
            long = len(parts) > 2 and self.chance()
            parts += [self.words("GENERATED ALWAYS AS") if long else self.word("AS"), f"({column.generated})"]
            parts.append(self.word("STORED") if column.stored else self.word("VIRTUAL") if self.chance() else "")
        if self.is_inline(table.primary_key, table) and table.primary_key.columns[0].name == column.name:  # type: ignore[union-attr]
            parts.append(self.inline_key(table.primary_key))  # type: ignore[arg-type]
        return self.join(*parts)

    def is_inline(self, key: PrimaryKey | None, table: Table) -> bool:
        """Two things can be said only at the column: AUTOINCREMENT by habit, and a DESC that makes no alias."""
        return key is not None and len(key.columns) == 1 and (key.autoincrement or self.hides_rowid(key, table))

    def hides_rowid(self, key: PrimaryKey, table: Table) -> bool:
        column = table.column(key.columns[0].name or "")
        return column is not None and column.type == "INTEGER" and key.columns[0].descending

    def inline_key(self, key: PrimaryKey) -> str:
        descending = self.word("DESC") if key.columns[0].descending else ""
        automatic = self.word("AUTOINCREMENT") if key.autoincrement else ""
        return self.join(self.words("PRIMARY KEY"), descending, self.conflict(key.conflict), automatic)

    def conflict(self, conflict: str | None) -> str:
        if conflict is None:
            return self.words("ON CONFLICT ABORT") if self.chance() else ""
        return self.words(f"ON CONFLICT {conflict}")

    def constraints(self, table: Table) -> list[str]:
        made = []
        key = table.primary_key
        if key is not None and not self.is_inline(key, table):
            made.append(
                self.join(self.words("PRIMARY KEY"), self.terms(table, key.columns), self.conflict(key.conflict))
            )
        for unique in table.uniques:
            made.append(
                self.join(self.word("UNIQUE"), self.terms(table, unique.columns), self.conflict(unique.conflict))
            )
        for check in table.checks:
            named = self.join(self.word("CONSTRAINT"), self.name(check.name)) if check.name is not None else ""
            made.append(self.join(named, self.word("CHECK"), f"({check.expression})"))
        return made + [self.foreign_key(key) for key in table.foreign_keys]

    def terms(self, table: Table, columns: tuple[IndexedColumn, ...]) -> str:
        return "(" + ("," + self.space()).join(self.term(table, column) for column in columns) + ")"

    def term(self, table: Table, column: IndexedColumn) -> str:
        own = table.column(column.name).collation if column.name is not None else "BINARY"  # type: ignore[union-attr]
        text = self.name(column.name) if column.name is not None else f"({column.expression})"
        collate = "" if column.collation == own else self.join(self.word("COLLATE"), self.word(column.collation))
        order = self.word("DESC") if column.descending else self.word("ASC") if self.chance() else ""
        return self.join(text, collate, order)

    def foreign_key(self, key: ForeignKey) -> str:
        return self.join(
            self.words("FOREIGN KEY"),
            "(" + ", ".join(map(self.name, key.columns)) + ")",
            self.word("REFERENCES"),
            self.name(key.parent),
            "(" + ", ".join(map(self.name, key.parent_columns)) + ")" if key.parent_columns else "",
            self.words(f"ON DELETE {key.on_delete}"),
            self.words(f"ON UPDATE {key.on_update}"),
            self.words("DEFERRABLE INITIALLY DEFERRED") if key.deferred else "",
        )

    def index(self, table: Table, index: Index) -> str:
        return self.join(
            self.word("CREATE"),
            self.word("UNIQUE") if index.unique else "",
            self.word("INDEX"),
            self.name(index.name),
            self.word("ON"),
            self.name(table.name),
            self.terms(table, index.columns),
            self.join(self.word("WHERE"), index.where) if index.where is not None else "",
        )
