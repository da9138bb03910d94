"""SQLite in memory as the judge of the DDL.

Everything is run a second time with ``"x"`` spelled `` `x` ``: SQLite takes the former for a text where there is no
such column, in silence, and never the latter.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from hotmig.catalog.lexer import Token, tokens
from hotmig.errors import HotmigError
from hotmig.schema.compile import Clause, TableSpec, create_table
from hotmig.schema.declare import Statement
from hotmig.schema.places import Spot, wrong
from hotmig.schema.terms import never_text
from hotmig.schema.views import ViewSpec
from hotmig.sqlite import connect, execute, fold, quote, value

Prepare = Callable[[sqlite3.Connection], None]
_EVENTS = ("INSERT", "UPDATE", "DELETE")


class Judge:
    """A pair of databases in memory: ``db`` as it will be, and one in which nothing is taken for a text."""

    def __init__(self, prepare: Prepare | None = None) -> None:
        self.db = connect(":memory:")
        self._strict = connect(":memory:")
        for db in (self.db, self._strict):
            if prepare is not None:
                prepare(db)

    def close(self) -> None:
        """Ends both databases."""
        self.db.close()
        self._strict.close()

    def create_table(self, spec: TableSpec) -> None:
        """Creates a table; a mistake is found by its own column or constraint."""
        if _error(self.db, spec.create) is None and _error(self._strict, never_text(spec.create)) is None:
            self._require_no_loop(spec)
            return
        for db in (self.db, self._strict):
            execute(db, f"DROP TABLE IF EXISTS {quote(spec.name)}")
        for clause, sql in _one_by_one(spec):
            self._require(clause.spot, f"table {spec.name}", sql, keep=False)
        self._require(spec.declaration.spot, f"table {spec.name}", spec.create)

    def _require_no_loop(self, spec: TableSpec) -> None:
        """SQLite finds generated columns that need one another only when it compiles a statement over the table."""
        generated = [column for column in spec.columns if column.generated is not None]
        error = _error(self.db, f"EXPLAIN INSERT INTO {quote(spec.name)} DEFAULT VALUES") if generated else None
        if error is not None and "generated column loop" in error:
            spot = next((each.field.spot for each in generated if quote(each.name) in error), spec.declaration.spot)
            raise wrong(spot, f"table {spec.name}: {error}", "a generated column can't be computed from itself")

    def create_index(self, spec: TableSpec, index: Clause) -> None:
        """Creates an index."""
        self._require(index.spot, f"an index of {spec.name}", index.sql)

    def create_view(self, spec: ViewSpec) -> None:
        """Creates a view. What it selects is judged by ``check_view``, when all views are there."""
        spot, name = spec.declaration.spot, spec.declaration.name
        created = self._created("view", spot, f"view {name}", spec.create)
        if created != name:
            raise wrong(spot, f"the SQL of view {name} creates {created}", f'write @view("{created}", sql=…)')

    def check_view(self, spec: ViewSpec) -> None:
        """Prepares a view, and compares its columns with its fields."""
        spot, name = spec.declaration.spot, spec.declaration.name
        select = f"SELECT * FROM {quote(name)} LIMIT 0"
        self._require(spot, f"view {name}", select)
        columns = [entry[0] for entry in execute(self.db, select).description]
        if spec.columns and [fold(column) for column in columns] != [fold(column) for column in spec.columns]:
            raise wrong(
                spot,
                f"view {name} selects {', '.join(columns)}, and its fields are {', '.join(spec.columns)}",
                "make the fields those columns, in that order, or leave them out",
            )

    def create_virtual_table(self, statement: Statement) -> str:
        """Creates a virtual table, the one thing for which there is ``sql()``, and returns its name."""
        if _keywords(statement, 3) != ["CREATE", "VIRTUAL", "TABLE"]:
            raise wrong(
                statement.spot,
                "sql() takes CREATE VIRTUAL TABLE only",
                "declare tables with @table, views with @view, triggers with trigger()",
            )
        before = self._virtual_tables()
        # Arguments of the module are no SQL, so they are left alone in both databases.
        for db in (self.db, self._strict):
            if (error := _error(db, statement.sql)) is not None:
                raise wrong(statement.spot, f"virtual table: {error}", "check its module and arguments")
        virtual = [name for name in self._virtual_tables() if name not in before]
        if not virtual:
            raise wrong(statement.spot, "this virtual table exists already", "delete one of the two")
        return virtual[0]

    def create_trigger(self, statement: Statement) -> str:
        """Creates a trigger and returns its name. What it does is judged by ``check_triggers``."""
        if _keywords(statement, 2) != ["CREATE", "TRIGGER"]:
            raise wrong(statement.spot, "trigger() takes CREATE TRIGGER only", 'write trigger("CREATE TRIGGER …")')
        return self._created("trigger", statement.spot, "trigger", statement.sql)

    def check_triggers(self, triggers: Sequence[tuple[str, Statement]]) -> None:
        """Compiles a statement that fires it, for each trigger.

        A statement fires others too: the one to blame is the one that also fails alone. Those that are unchecked
        are out of the way meanwhile.
        """
        unchecked = [name for name, statement in triggers if statement.unchecked]
        checked = [(name, statement) for name, statement in triggers if not statement.unchecked]
        failed = [each for each in checked if self._firing_error(*each, without=unchecked)]
        for name, statement in failed:
            others = [other for other, _ in triggers if other != name]
            if self._firing_error(name, statement, without=others):
                self._blame(name, statement, others)
        for name, statement in failed:
            self._blame(name, statement, unchecked)

    def run(self, sql: str) -> None:
        """Runs a statement that was judged before."""
        for db, text in ((self.db, sql), (self._strict, never_text(sql))):
            execute(db, text)

    def view_error(self, name: str) -> str | None:
        """What is wrong with a view that is there, None for nothing."""
        select = f"SELECT * FROM {quote(name)} LIMIT 0"
        return _error(self.db, select) or _error(self._strict, never_text(select))

    def trigger_error(self, statement: Statement) -> str | None:
        """What is wrong with a trigger, when no other is there; None for nothing. It is gone afterwards."""
        name = self.create_trigger(statement)
        try:
            return self._firing_error(name, statement)
        except (HotmigError, sqlite3.Error) as error:  # a column or a view that it stands on is wrong
            return str(error)
        finally:
            self.run(f"DROP TRIGGER {quote(name)}")

    def check_reference(self, parent: str, columns: Sequence[str], table: str, spot: Spot) -> None:
        """Has SQLite look for the unique index that a foreign key needs in its parent."""
        own = [f"c{at}" for at in range(len(columns))]
        there = ", ".join(quote(column) for column in columns)
        execute(self.db, "SAVEPOINT reference")
        execute(
            self.db,
            f'CREATE TABLE "hotmig child"({", ".join(own)}, FOREIGN KEY ({", ".join(own)})'
            f" REFERENCES {quote(parent)} ({there}))",
        )
        error = _error(self.db, 'PRAGMA foreign_key_check("hotmig child")')
        execute(self.db, "ROLLBACK TO reference")
        execute(self.db, "RELEASE reference")
        if error is not None:
            raise wrong(
                spot,
                f"{table} refers to {parent} ({', '.join(columns)}), which is not unique there",
                f"make it the key of {parent} or Unique, with the collation of the column",
            )

    def text_of(self, kind: str, name: str) -> str:
        """The statement as SQLite keeps it."""
        return str(value(self.db, "SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?", (kind, name)))

    def _firing_error(self, name: str, statement: Statement, without: Iterable[str] = ()) -> str | None:
        sql = self._firing_statement(name, statement)
        for db, text in ((self.db, sql), (self._strict, never_text(sql))):
            execute(db, "SAVEPOINT firing")
            for other in without:
                execute(db, f"DROP TRIGGER {quote(other)}")
            error = _error(db, text)
            execute(db, "ROLLBACK TO firing")
            execute(db, "RELEASE firing")
            if error is not None:
                return error
        return None

    def _blame(self, name: str, statement: Statement, without: Iterable[str]) -> None:
        for db in (self.db, self._strict):
            execute(db, "SAVEPOINT blame")
            for other in without:
                execute(db, f"DROP TRIGGER {quote(other)}")
        self._require(statement.spot, f"trigger {name}", self._firing_statement(name, statement))

    def _firing_statement(self, name: str, statement: Statement) -> str:
        """EXPLAIN of a statement that fires the trigger."""
        table = str(value(self.db, "SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name = ?", (name,)))
        stream = tokens(statement.sql)
        at = next(at for at, token in enumerate(stream) if token.keyword in _EVENTS)
        if stream[at].keyword == "INSERT":
            return f"EXPLAIN INSERT INTO {quote(table)} DEFAULT VALUES"
        if stream[at].keyword == "DELETE":
            return f"EXPLAIN DELETE FROM {quote(table)}"
        writable = self._columns(table)
        for column in _update_of(stream[at + 1 :]):
            if fold(column) not in (fold(name) for name in writable):
                raise wrong(
                    statement.spot,
                    f"trigger {name}: {table} has no column {column}",
                    f"its columns are {', '.join(writable)}",
                )
        return f"EXPLAIN UPDATE {quote(table)} SET " + ", ".join(f"{quote(c)} = {quote(c)}" for c in writable)

    def _columns(self, table: str) -> list[str]:
        rows = execute(self.db, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
        return [str(name) for (name,) in rows]

    def _created(self, kind: str, spot: Spot, what: str, sql: str) -> str:
        before = self._names(kind)
        self._require(spot, what, sql)
        created = [name for name in self._names(kind) if name not in before]
        if not created:
            raise wrong(
                spot, f"{what}: this statement creates no {kind} that is not there yet", "delete one of the two"
            )
        return created[0]

    def _virtual_tables(self) -> list[str]:
        rows = execute(self.db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0")
        return [str(name) for (name,) in rows]

    def _names(self, kind: str) -> list[str]:
        return [str(name) for (name,) in execute(self.db, "SELECT name FROM sqlite_schema WHERE type = ?", (kind,))]

    def _require(self, spot: Spot, what: str, sql: str, *, keep: bool = True) -> None:
        """Runs the statement in both databases. Raises SchemaError in SQLite's words where it fails."""
        for db, text in ((self.db, sql), (self._strict, never_text(sql))):
            execute(db, "SAVEPOINT required")
            error = _error(db, text)
            execute(db, "RELEASE required" if keep else "ROLLBACK TO required")
            if error is not None:
                raise _told(spot, what, error, silently=db is self._strict)
            if not keep:
                execute(db, "RELEASE required")


def _told(spot: Spot, what: str, error: str, *, silently: bool) -> HotmigError:
    if silently:
        name = error.removeprefix("no such column: ")
        known = name != error
        subject = f'"{name}" names no column' if known else f"a double-quoted text ({error})"
        fix = f"write '{name}' for the text" if known else "write text in single quotes"
        return wrong(spot, f"{what}: {subject}, and SQLite would take it as a text", f"{fix}, or correct the name")
    return wrong(spot, f"{what}: {error}", _hint(error))


def _hint(error: str) -> str:
    hints = {
        r"no such (column|table)|has no column": "correct the name; only Was and From name what the old database has",
        r"no such function|no such collation": "use one of SQLite's own, or load the extension that has it",
        r"already (exists|an? )": "give one of the two another name",
        r"AUTOINCREMENT": "AUTOINCREMENT needs a key of one INTEGER column, ascending",
        r"STRICT|datatype": "a STRICT table knows INT, INTEGER, REAL, TEXT, BLOB and ANY",
        r"PRIMARY KEY missing": "mark a field with Key, or leave out without_rowid=True",
        r"because it is a view": "a view needs an INSTEAD OF trigger for this",
        r"syntax error|incomplete": "correct the SQL; names that are keywords need double quotes",
    }
    return next((hint for pattern, hint in hints.items() if re.search(pattern, error)), "SQLite refuses it: correct it")


def _one_by_one(spec: TableSpec) -> Iterable[tuple[Clause, str]]:
    """The table with all columns bare but for one, and then with one constraint: the first that fails is to blame."""
    strict = " STRICT" if spec.declaration.strict else ""
    untyped = [quote(column.name) + (" ANY" if strict else "") for column in spec.columns]
    for at, definition in enumerate(spec.definitions):
        entries = [*untyped[:at], definition.sql, *untyped[at + 1 :]]
        yield definition, create_table(spec.name, entries, strict)
    for constraint in spec.constraints:
        yield constraint, create_table(spec.name, [*spec.bare, constraint.sql], strict)


def _error(db: sqlite3.Connection, sql: str) -> str | None:
    try:
        execute(db, sql).fetchall()
    # Python says by Warning that there are two statements, by ValueError that a character can't be in SQL.
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return str(error)
    return None


def _keywords(statement: Statement, count: int) -> list[str | None]:
    try:
        return [token.keyword for token in tokens(statement.sql)[:count]]
    except HotmigError as error:
        raise wrong(statement.spot, error.message, "check the SQL text for unclosed quotes") from error


def _update_of(stream: Sequence[Token]) -> list[str]:
    """The columns between UPDATE OF and ON; SQLite takes any name there."""
    if not stream or stream[0].keyword != "OF":
        return []
    end = next(at for at, token in enumerate(stream) if token.keyword == "ON")
    return [token.value for token in stream[1:end] if token.is_name]
