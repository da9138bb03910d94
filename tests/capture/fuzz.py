"""Random tables, random statements: is the key of every row that appeared, vanished or changed in the log?

A twin of each table, without capture, gets the same statements: capture must change nothing for the application.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field

from hotmig.capture.log import WHOLE_TABLE, create_log, last_log_id, log_columns
from hotmig.capture.names import LOG
from hotmig.capture.triggers import capture_triggers
from hotmig.catalog.model import Table
from hotmig.catalog.read import read_catalog
from hotmig.errors import HotmigError
from hotmig.planning.model import Recorded
from hotmig.sqlite import quote
from tests.capture.keys import candidate_keys

STATEMENTS = 25
NAMES = ("t", "t", "t", "new", "old", "rowid", 'we"ird', "it's", "select", "x y")
COLUMNS = ("a", "b", "c", "rowid", "oid", "new", 'q"q', "x y", "Größe", "null")
TYPES = ("", "INTEGER", "INT", "TEXT", "VARCHAR(9)", "REAL", "NUMERIC", "BLOB")
STRICT_TYPES = ("INTEGER", "INT", "TEXT", "REAL", "BLOB", "ANY")
CONFLICTS = ("ABORT", "REPLACE", "REPLACE", "REPLACE", "REPLACE", "IGNORE", "FAIL", "ROLLBACK")
COLLATIONS = ("BINARY", "NOCASE", "RTRIM")
DEFAULTS = (
    "1",
    "'1'",
    "5",
    "'a'",
    "x'61'",
    "0.0",
    "-1",
    "(1 + 1)",
    "(abs(random() % 3))",
    "CURRENT_DATE",
    "('a' || 1)",
)
VALUES = (
    *("NULL", "NULL", "0", "1", "1", "2", "5", "-1", "'1'", "'5'", "'05'", "'a'", "'A'", "'a '", "'b'", "''"),
    *("1.0", "0.0", "-0.0", "2.5", "x'61'", "x'35'", "x''", "9007199254740993", "-9223372036854775808"),
    "-9.223372036854775808e18",
)
EXPRESSIONS = (
    *("lower({0})", "{0} || {1}", "{0} = 5", "{0} > '3'", "{0} + {1}", "{0} % 3", "typeof({0})", "hex({0})"),
    *("coalesce({0}, {1})", "CASE WHEN {0} = '5' THEN {1} END", "CAST({0} AS INTEGER)", "-{0}", "{0} = {1}"),
    *("{0} IN ('5', 1)", "{0} BETWEEN 1 AND '5'", "ifnull({0}, 'a') || '-'", "length({0})", "{0} IS {1}"),
)
PREDICATES = ("{0} IS NOT NULL", "{0} > 1", "{0} = '5'", "{0} = 5", "typeof({0}) = 'text'", "{0} <> {1}", "length({0})")

Rows = dict[str, str]
Outcome = tuple[str | None, Rows]  # the error, and what the table holds afterwards


@dataclass
class Script:
    """What was executed, so that a failure can be repeated by hand."""

    seed: int
    recursive: bool = False  # triggers
    statements: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"seed {self.seed}:\n" + "\n".join(f"{statement};" for statement in self.statements)


class MissError(AssertionError):
    """A row changed and its key is not in the log."""


class DisturbedError(AssertionError):
    """A statement did something else than it does without capture."""


class DamagedError(Exception):
    """SQLite itself has left an index without a row, or with one too many: nothing can be expected of the table."""


@dataclass
class _Run:
    db: sqlite3.Connection
    recorded: Recorded
    script: Script
    twin: sqlite3.Connection | None = None


def check_table(seed: int) -> int:
    """One random table under random statements. Returns how many changed a row; raises MissError or DisturbedError."""
    rng = random.Random(seed)
    script = Script(seed)
    with closing(_connect()) as db, closing(_connect()) as twin:
        recorded = _create(db, rng, script)
        if recorded is None or recorded.key is None:
            return 0
        run = _Run(db, recorded, script)
        if _can_have_twin(recorded.table, script):
            run.twin = twin
            for sql in script.statements:
                twin.execute(sql)
        for sql in (create_log(len(recorded.key.columns)), *capture_triggers(recorded)):
            _define(db, script, sql)
        statements = _Statements(rng, recorded.table)
        changing = 0
        with suppress(DamagedError):
            for _ in range(STATEMENTS):
                changing += _check_statement(run, statements.next())
        return changing


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def _attempt(db: sqlite3.Connection, sql: str) -> str | None:
    try:
        db.execute(sql)
    except sqlite3.Error as error:
        # OR FAIL keeps what the statement did before it failed.
        return str(error)
    return None


def _check_statement(run: _Run, statement: str) -> bool:
    db, recorded = run.db, run.recorded
    start = last_log_id(db)
    before = _rows(db, recorded)
    run.script.statements.append(statement)
    outcome = _attempt(db, statement)
    after = _rows(db, recorded)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    logged, whole = _logged(db, recorded, start)
    if not whole and not changed <= logged:
        raise MissError(f"{run.script}\nnot logged: {sorted(changed - logged)}\nlogged: {sorted(logged)}")
    if run.twin:
        _check_twin(run, statement, (outcome, after), (_attempt(run.twin, statement), _rows(run.twin, recorded)))
    return bool(changed)


def _check_twin(run: _Run, statement: str, captured: Outcome, plain: Outcome) -> None:
    if captured == plain:
        return
    if statement.startswith("UPDATE"):
        # Any trigger may change the order in which UPDATE visits the rows, and so which rows IGNORE and FAIL spare.
        run.twin = None
        return
    if _is_damaged_without_capture(run.script):
        raise DamagedError
    raise DisturbedError(f"{run.script}\nwith capture: {captured}\nwithout: {plain}")


def _is_damaged_without_capture(script: Script) -> bool:
    """Whether an index was wrong before the last statement: SQLite's INSERT OR FAIL over generated columns, for one."""
    with closing(_connect()) as db:
        for sql in script.statements[:-1]:
            if "_migration_" not in sql:
                _attempt(db, sql)
        return db.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",)


def _can_have_twin(table: Table, script: Script) -> bool:
    """Whether the same statements must have the same outcome with and without triggers.

    random() aside, any trigger at all changes what SQLite does in three corners: it lets an immediate foreign key
    pass in some INSERT OR REPLACE; it looks at a STRICT table's types before BEFORE triggers, but otherwise after
    NOT NULL; with recursive_triggers, REPLACE over several unique indexes can end in a refusal.
    """
    is_random = any("random" in (column.default or "") for column in table.columns)
    return not (is_random or table.foreign_keys or table.strict or script.recursive)


def _rows(db: sqlite3.Connection, recorded: Recorded) -> Rows:
    assert recorded.key is not None
    key = ", ".join(map(quote, recorded.key.columns))
    width = len(recorded.key.columns)
    # repr() tells 1 from 1.0, 0.0 from -0.0 and text from bytes.
    rows = db.execute(f"SELECT {key}, * FROM {quote(recorded.table.name)}").fetchall()
    return {repr(row[:width]): repr(row) for row in rows}


def _logged(db: sqlite3.Connection, recorded: Recorded, start: int) -> tuple[set[str], bool]:
    assert recorded.key is not None
    columns = ", ".join(log_columns(len(recorded.key.columns)))
    sql = f"SELECT operation, {columns} FROM {LOG} WHERE id > ? AND table_name = ?"
    rows = db.execute(sql, (start, recorded.table.name)).fetchall()
    return {repr(row[1:]) for row in rows}, any(row[0] == WHOLE_TABLE for row in rows)


def _define(db: sqlite3.Connection, script: Script, sql: str) -> None:
    db.execute(sql)
    script.statements.append(sql)


def _create(db: sqlite3.Connection, rng: random.Random, script: Script) -> Recorded | None:
    """Draws until SQLite accepts the table, then adds what indexes and triggers it accepts."""
    shape = _Shape(rng)
    try:
        _define(db, script, shape.create_table())
    except sqlite3.Error:
        return None
    script.recursive = rng.random() < 0.3
    _define(db, script, f"PRAGMA recursive_triggers = {script.recursive}")
    _define(db, script, f"PRAGMA foreign_keys = {rng.randrange(2)}")
    for sql in shape.create_rest():
        with suppress(sqlite3.Error):
            _define(db, script, sql)
    try:
        table = read_catalog(db).tables[0]
    except HotmigError:
        return None
    keys = candidate_keys(table)
    return Recorded(1, table, rng.choice([keys[0], *keys])) if keys else None


class _Shape:
    """The definition of one random table."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.name = rng.choice(NAMES)
        self.strict = rng.random() < 0.1
        self.key = rng.choice(("id", "id", "text", "text", "composite", "without", "none", "none"))
        self.columns = rng.sample(COLUMNS, rng.choice((2, 2, 3, 4)))
        self.generated = [f"g{number}" for number in range(rng.choice((0, 0, 0, 1, 2)))]

    def create_table(self) -> str:
        parts = ["id INTEGER PRIMARY KEY" + self.conflict(0.3)] if self.key == "id" else []
        parts += [self.column(position, name) for position, name in enumerate(self.columns)]
        named = (["id"] if self.key == "id" else []) + self.columns
        for position, name in enumerate(self.generated):
            parts.append(self.generated_column(name, named + self.generated[:position]))
        if self.key in ("composite", "without"):
            parts.append(f"PRIMARY KEY ({self.indexed(self.columns[:2])}){self.conflict(0.3)}")
        parts += [self.unique() for _ in range(self.rng.choice((0, 0, 1, 2)))]
        options = (["WITHOUT ROWID"] if self.key == "without" else []) + (["STRICT"] if self.strict else [])
        return f"CREATE TABLE {quote(self.name)}({', '.join(parts)}) {', '.join(options)}"

    def create_rest(self) -> list[str]:
        count = self.rng.choice((0, 1, 1, 2, 3))
        return [self.index(f"i{number}") for number in range(count)] + self.triggers()

    def column(self, position: int, name: str) -> str:
        rng = self.rng
        sql = f"{quote(name)} {rng.choice(STRICT_TYPES if self.strict else TYPES)}"
        if rng.random() < 0.3:
            sql += f" COLLATE {rng.choice(COLLATIONS)}"
        if self.key == "text" and position == 0:
            sql += " PRIMARY KEY" + self.conflict(0.3) + (" NOT NULL" if rng.random() < 0.8 else "")
        elif rng.random() < 0.5:
            sql += " NOT NULL" + self.conflict(0.4)
        if rng.random() < 0.5:
            sql += f" DEFAULT {rng.choice(DEFAULTS)}"
        if position and self.key in ("id", "text") and rng.random() < 0.2:
            sql += f" REFERENCES {quote(self.name)} ON UPDATE CASCADE ON DELETE {rng.choice(('CASCADE', 'SET NULL'))}"
        return sql

    def generated_column(self, name: str, over: list[str]) -> str:
        declared = self.rng.choice(STRICT_TYPES if self.strict else TYPES)
        collate = f" COLLATE {self.rng.choice(COLLATIONS)}" if self.rng.random() < 0.3 else ""
        null = " NOT NULL" if self.rng.random() < 0.4 else ""
        stored = self.rng.choice(("VIRTUAL", "STORED"))
        unique = " UNIQUE" + self.conflict(0.3) if self.rng.random() < 0.3 else ""
        return f"{name} {declared}{collate} AS ({self.expression(over)}) {stored}{null}{unique}"

    def unique(self) -> str:
        return f"UNIQUE ({self.indexed(self.some(self.stored_names()))}){self.conflict(0.4)}"

    def index(self, name: str) -> str:
        names = self.stored_names() + self.generated
        terms = []
        for column in self.some(names):
            is_expression = self.rng.random() < 0.5
            terms.append(f"({self.expression(names)})" if is_expression else self.indexed([column]))
        where = f" WHERE {self.fill(PREDICATES, names)}" if self.rng.random() < 0.3 else ""
        return f"CREATE UNIQUE INDEX {name} ON {quote(self.name)}({', '.join(terms)}){where}"

    def triggers(self) -> list[str]:
        """What an application's own triggers may do to the rows of the same table."""
        if self.rng.random() < 0.8:
            return []
        table, column = quote(self.name), quote(self.rng.choice(self.columns))
        body = self.rng.choice(
            (
                f"UPDATE OR REPLACE {table} SET {column} = {self.rng.choice(VALUES)} WHERE {column} = 1",
                f"DELETE FROM {table} WHERE {column} = 2",
                f"INSERT OR REPLACE INTO {table}({column}) VALUES ({self.rng.choice(VALUES)})",
            )
        )
        event = self.rng.choice(("AFTER INSERT", "BEFORE INSERT", "AFTER UPDATE", "AFTER DELETE"))
        row = "OLD" if event == "AFTER DELETE" else "NEW"
        return [f"CREATE TRIGGER theirs {event} ON {table} WHEN {row}.{column} = 5 BEGIN {body}; END"]

    def stored_names(self) -> list[str]:
        return self.columns + (["id"] if self.key == "id" else [])

    def some(self, names: list[str]) -> list[str]:
        return self.rng.sample(names, min(len(names), self.rng.choice((1, 1, 1, 2))))

    def indexed(self, names: list[str]) -> str:
        return ", ".join(
            quote(name)
            + (f" COLLATE {self.rng.choice(COLLATIONS)}" if self.rng.random() < 0.3 else "")
            + (" DESC" if self.rng.random() < 0.1 else "")
            for name in names
        )

    def expression(self, names: list[str]) -> str:
        return self.fill(EXPRESSIONS, names) + (
            f" COLLATE {self.rng.choice(COLLATIONS)}" if self.rng.random() < 0.1 else ""
        )

    def fill(self, templates: tuple[str, ...], names: list[str]) -> str:
        return self.rng.choice(templates).format(quote(self.rng.choice(names)), quote(self.rng.choice(names)))

    def conflict(self, chance: float) -> str:
        return f" ON CONFLICT {self.rng.choice(CONFLICTS)}" if self.rng.random() < chance else ""


class _Statements:
    """Random statements of an application on one table."""

    def __init__(self, rng: random.Random, table: Table) -> None:
        self.rng = rng
        self.table = table
        self.values = ["NULL", *rng.sample(VALUES, rng.choice((2, 4, 6)))]  # few, so that they collide
        self.conflicts = rng.choice((("REPLACE",), CONFLICTS))
        self.name = quote(table.name)
        self.columns = [quote(column.name) for column in table.stored_columns]
        self.writable = self.columns + ([table.rowid_name] if table.rowid_name else [])

    def next(self) -> str:
        return self.rng.choice((self.insert, self.insert, self.insert, self.update, self.update, self.delete))()

    def value(self) -> str:
        return self.rng.choice(self.values)

    def some(self) -> list[str]:
        if self.rng.random() < 0.8:
            return self.columns
        return self.rng.sample(self.writable, self.rng.randint(1, len(self.writable)))

    def or_clause(self) -> str:
        return f"OR {self.rng.choice(self.conflicts)} " if self.rng.random() < 0.7 else ""

    def insert(self) -> str:
        columns = self.some()
        rows = ["(" + ", ".join(self.value() for _ in columns) + ")" for _ in range(self.rng.choice((1, 1, 2, 4)))]
        upsert = ""
        if self.rng.random() < 0.2:
            upsert = f" ON CONFLICT DO UPDATE SET {self.assignments()}" if self.rng.random() < 0.7 else ""
            upsert = upsert or " ON CONFLICT DO NOTHING"
        source = f"VALUES {', '.join(rows)}"
        if self.rng.random() < 0.1:
            source = f"SELECT {', '.join(columns)} FROM {self.name} WHERE 1"
        return f"INSERT {self.or_clause()}INTO {self.name}({', '.join(columns)}) {source}{upsert}"

    def update(self) -> str:
        return f"UPDATE {self.or_clause()}{self.name} SET {self.assignments()}{self.where()}"

    def delete(self) -> str:
        return f"DELETE FROM {self.name}{self.where()}"

    def assignments(self) -> str:
        columns = self.rng.sample(self.writable, self.rng.randint(1, min(2, len(self.writable))))
        return ", ".join(f"{column} = {self.assigned()}" for column in columns)

    def assigned(self) -> str:
        return self.value() if self.rng.random() < 0.7 else self.rng.choice(self.writable)

    def where(self) -> str:
        if self.rng.random() < 0.2:
            return ""
        return f" WHERE {self.rng.choice(self.writable)} {self.rng.choice(('=', '>', 'IS NOT'))} {self.value()}"
