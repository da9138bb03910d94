"""What only the stored CREATE statements say: CHECK, COLLATE, generated columns, ON CONFLICT, constraint names, …

The grammar is that of SQLite's own parse.y, with what it takes and forgets. Forgotten things are kept as
``remarks``, so that nobody loses them in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from hotmig import sqlite
from hotmig.catalog.cursor import Cursor
from hotmig.catalog.ddl_terms import ParsedTerm, parse_terms
from hotmig.catalog.lexer import Token, has_comments
from hotmig.catalog.model import Check
from hotmig.errors import HotmigError

# Words that end a column's type: the keywords of column constraints that SQLite never takes for a name.
_AFTER_TYPE = frozenset(
    "AS CHECK COLLATE CONSTRAINT DEFAULT DEFERRABLE NOT NULL PRIMARY REFERENCES UNIQUE".split()  # noqa: SIM905
)
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
_CONFLICTS = ("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")
_Parsed = TypeVar("_Parsed")
_LITERAL_WORDS = frozenset({"NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})


@dataclass(frozen=True)
class ParsedKey:
    """A PRIMARY KEY or UNIQUE. ``inline`` when it is a constraint of its one column."""

    terms: tuple[ParsedTerm, ...]
    conflict: str | None
    autoincrement: bool = False
    inline: bool = False


@dataclass(frozen=True)
class ParsedForeignKey:
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    deferred: bool


@dataclass
class ParsedColumn:
    """``default`` can stand as an expression: a bare or quoted word was made the text literal that it means."""

    name: str
    type: str
    type_is_quoted: bool  # then only SQLite knows what became of it
    type_is_cut: bool  # SQLite takes ALWAYS and GENERATED off its end, by their text
    not_null: bool = False
    not_null_conflict: str | None = None
    default: str | None = None
    default_written: str | None = None
    collation: str | None = None
    generated: str | None = None
    stored: bool = False


@dataclass
class ParsedTable:
    name: str = ""
    columns: list[ParsedColumn] = field(default_factory=list)
    primary_key: ParsedKey | None = None
    uniques: list[ParsedKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    foreign_keys: list[ParsedForeignKey] = field(default_factory=list)
    without_rowid: bool = False
    strict: bool = False
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ParsedIndex:
    name: str
    table: str
    unique: bool
    terms: tuple[ParsedTerm, ...]
    where: str | None
    remarks: tuple[str, ...]


def parse_table(sql: str, name: str) -> ParsedTable:
    """The CREATE TABLE of the table ``name``. Raises HotmigError, naming it, at what SQLite would not take."""
    return _parsing(f"table {name}", sql, _table)


def parse_index(sql: str, name: str) -> ParsedIndex:
    """The CREATE INDEX of the index ``name``. Raises HotmigError, naming it, at what SQLite would not take."""
    return _parsing(f"index {name}", sql, _index)


def virtual_module(sql: str, name: str) -> str:
    """The module of a CREATE VIRTUAL TABLE. Raises HotmigError, naming the table."""
    return _parsing(f"virtual table {name}", sql, _virtual_module)


def _parsing(what: str, sql: str, parse: Callable[[Cursor], _Parsed]) -> _Parsed:
    try:
        return parse(Cursor(sql))
    except HotmigError as error:
        raise HotmigError(f"cannot read the definition of {what}: {error.message}", error.hint) from error


class _TableParser:
    """What is known half-way through one CREATE TABLE."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.table = ParsedTable()
        self.constraint: str | None = None
        self.nameless: list[str] = []  # constraint names that no CHECK has taken so far

    def remark(self, text: str) -> None:
        self.table.remarks.append(text)

    def set_constraint(self, name: str) -> None:
        self.constraint = name
        self.nameless.append(name)

    def body(self) -> None:
        cursor = self.cursor
        if not cursor.symbol("("):
            cursor.fail("(")
        while not cursor.sees_any(_TABLE_CONSTRAINTS):
            _column(self)
            if not cursor.symbol(","):
                break
        while not cursor.symbol(")"):
            _table_constraint(self)
            if cursor.symbol(","):
                # As SQLite does it: a name goes on to the next constraints until a comma, except the comma
                # between the last column and the first constraint of the table.
                self.constraint = None
        self.table.remarks.extend(f"the constraint name {name}" for name in self.nameless)

    def options(self) -> None:
        cursor = self.cursor
        while cursor.peek() is not None and not cursor.sees_symbol(";"):
            if cursor.accept("WITHOUT", "ROWID"):
                self.table.without_rowid = True
            elif cursor.accept("STRICT"):
                self.table.strict = True
            else:
                cursor.fail("WITHOUT ROWID or STRICT")
            if not cursor.symbol(","):
                return

    def check(self, inline: bool) -> None:
        expression = self.cursor.text(self.cursor.within_parentheses())
        self.table.checks.append(Check(expression, self.constraint))
        if self.constraint in self.nameless:
            self.nameless.remove(self.constraint)
        if not inline and self.cursor.sees("ON", "CONFLICT"):
            _conflict(self.cursor)
            self.remark(f"the ON CONFLICT clause of CHECK ({expression}), which has no effect")

    def add_primary_key(self, key: ParsedKey) -> None:
        if self.table.primary_key is not None:
            self.cursor.fail("one PRIMARY KEY")
        self.table.primary_key = key


def _table(cursor: Cursor) -> ParsedTable:
    cursor.expect("CREATE")
    if not cursor.accept("TEMP"):
        cursor.accept("TEMPORARY")
    cursor.expect("TABLE")
    parser = _TableParser(cursor)
    parser.table.name = _object_name(cursor)
    parser.body()
    parser.options()
    cursor.end()
    if has_comments(cursor.sql):
        parser.remark("comments")
    return parser.table


def _object_name(cursor: Cursor) -> str:
    cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name()
    return cursor.name() if cursor.symbol(".") else name


def _column(parser: _TableParser) -> None:
    cursor = parser.cursor
    name = cursor.name()
    parser.constraint = None
    column = ParsedColumn(name, *_type(cursor))
    parser.table.columns.append(column)
    while not (cursor.sees_symbol(",") or cursor.sees_symbol(")")):
        _column_constraint(parser, column)


def _type(cursor: Cursor) -> tuple[str, bool, bool]:
    """The declared type, whether a word of it is quoted, and whether SQLite cuts off its end."""
    part: list[Token] = []
    while (token := cursor.peek()) is not None and token.is_name and token.keyword not in _AFTER_TYPE:
        part.append(cursor.next())
    quoted = any(token.kind != "word" for token in part)
    cut = bool(part) and part[-1].keyword == "ALWAYS"
    # GENERATED ALWAYS can be words of a type for SQLite's grammar.
    if [token.keyword for token in part[-2:]] == ["GENERATED", "ALWAYS"]:
        part = part[:-2]
    if part and cursor.sees_symbol("("):
        cursor.within_parentheses()
        part.append(cursor.tokens[cursor.at - 1])
    return (cursor.text(part) if part else "", quoted, cut)


def _column_constraint(parser: _TableParser, column: ParsedColumn) -> None:
    cursor = parser.cursor
    if cursor.accept("NOT", "NULL"):
        column.not_null = True
        column.not_null_conflict = _conflict(cursor)
    elif cursor.accept("NULL"):
        _conflict(cursor)
    elif cursor.accept("DEFAULT"):
        column.default_written, column.default = _default(cursor)
    elif cursor.accept("COLLATE"):
        column.collation = cursor.name()
    elif cursor.accept("GENERATED", "ALWAYS", "AS") or cursor.accept("AS"):
        column.generated = cursor.text(cursor.within_parentheses())
        column.stored = cursor.accept("STORED")
        cursor.accept("VIRTUAL")
    else:
        _inline_constraint(parser, column)


def _inline_constraint(parser: _TableParser, column: ParsedColumn) -> None:
    """A constraint of the column that becomes one of the table."""
    cursor, table = parser.cursor, parser.table
    if cursor.accept("CONSTRAINT"):
        parser.set_constraint(cursor.name())
    elif cursor.accept("PRIMARY", "KEY"):
        parser.add_primary_key(_inline_primary_key(cursor, column))
    elif cursor.accept("UNIQUE"):
        table.uniques.append(ParsedKey((_inline_term(column),), _conflict(cursor), inline=True))
    elif cursor.accept("CHECK"):
        parser.check(inline=True)
    elif cursor.accept("REFERENCES"):
        table.foreign_keys.append(_references(parser, (column.name,)))
    elif cursor.sees("DEFERRABLE") or cursor.sees("NOT", "DEFERRABLE"):
        _inline_deferrable(parser)
    else:
        cursor.fail("a column constraint")


def _inline_term(column: ParsedColumn, descending: bool = False) -> ParsedTerm:
    return ParsedTerm(column.name, column.name, None, descending)


def _inline_primary_key(cursor: Cursor, column: ParsedColumn) -> ParsedKey:
    descending = cursor.accept("DESC")
    cursor.accept("ASC")
    conflict = _conflict(cursor)
    return ParsedKey((_inline_term(column, descending),), conflict, cursor.accept("AUTOINCREMENT"), inline=True)


def _table_constraint(parser: _TableParser) -> None:
    cursor, table = parser.cursor, parser.table
    if cursor.accept("CONSTRAINT"):
        parser.set_constraint(cursor.name())
    elif cursor.accept("PRIMARY", "KEY"):
        part = cursor.within_parentheses()
        autoincrement = bool(part) and part[-1].keyword == "AUTOINCREMENT"
        terms = parse_terms(cursor, part[:-1] if autoincrement else part)
        parser.add_primary_key(ParsedKey(terms, _conflict(cursor), autoincrement))
    elif cursor.accept("UNIQUE"):
        terms = parse_terms(cursor, cursor.within_parentheses())
        table.uniques.append(ParsedKey(terms, _conflict(cursor)))
    elif cursor.accept("CHECK"):
        parser.check(inline=False)
    elif cursor.accept("FOREIGN", "KEY"):
        columns = _names(cursor)
        cursor.expect("REFERENCES")
        key = _references(parser, columns)
        table.foreign_keys.append(ParsedForeignKey(key.columns, key.parent, key.parent_columns, _deferrable(parser)))
    else:
        cursor.fail("a constraint")


def _conflict(cursor: Cursor) -> str | None:
    """An ON CONFLICT clause. ABORT is what happens without one, so it is None too."""
    if not cursor.accept("ON", "CONFLICT"):
        return None
    for word in _CONFLICTS:
        if cursor.accept(word):
            return None if word == "ABORT" else word
    cursor.fail("a conflict resolution")


def _default(cursor: Cursor) -> tuple[str, str]:
    """The default as SQLite reports it, and as an expression."""
    if cursor.sees_symbol("("):
        text = cursor.text(cursor.within_parentheses())
        return text, text
    start = cursor.at
    if not cursor.symbol("+"):
        cursor.symbol("-")
    last = cursor.next()
    written = cursor.text(list(cursor.tokens[start : cursor.at]))
    # A word that is no literal is a string for SQLite here, and only here.
    if last.kind == "quoted" or (last.kind == "word" and last.keyword not in _LITERAL_WORDS):
        return written, sqlite.text(last.value)
    return written, written


def _names(cursor: Cursor) -> tuple[str, ...]:
    """Column names in parentheses. Old versions of SQLite took COLLATE and ASC after them, without any effect."""
    terms = parse_terms(cursor, cursor.within_parentheses())
    return tuple(cursor.fail("a column") if term.name is None else term.name for term in terms)


def _references(parser: _TableParser, columns: tuple[str, ...]) -> ParsedForeignKey:
    cursor = parser.cursor
    parent = cursor.name()
    parent_columns = _names(cursor) if cursor.sees_symbol("(") else ()
    while True:
        if cursor.accept("MATCH"):
            parser.remark(f"MATCH {cursor.name()} of the foreign key to {parent}, which has no effect")
        elif cursor.accept("ON", "DELETE") or cursor.accept("ON", "UPDATE") or cursor.accept("ON", "INSERT"):
            _action(cursor)
        else:
            return ParsedForeignKey(columns, parent, parent_columns, deferred=False)


def _action(cursor: Cursor) -> None:
    actions = (("SET", "NULL"), ("SET", "DEFAULT"), ("CASCADE",), ("RESTRICT",), ("NO", "ACTION"))
    if not any(cursor.accept(*action) for action in actions):
        cursor.fail("a foreign key action")


def _deferrable(parser: _TableParser) -> bool:
    """Whether a clause, if there is one, defers the check: only DEFERRABLE INITIALLY DEFERRED does."""
    cursor = parser.cursor
    negated = cursor.accept("NOT", "DEFERRABLE")
    if not negated and not cursor.accept("DEFERRABLE"):
        return False
    deferred = cursor.accept("INITIALLY", "DEFERRED") and not negated
    cursor.accept("INITIALLY", "IMMEDIATE")
    if not deferred:
        parser.remark("a DEFERRABLE clause that has no effect")
    return deferred


def _inline_deferrable(parser: _TableParser) -> None:
    """SQLite lets such a clause change the foreign key that was declared last, in whatever column."""
    deferred = _deferrable(parser)
    keys = parser.table.foreign_keys
    if keys:
        last = keys[-1]
        keys[-1] = ParsedForeignKey(last.columns, last.parent, last.parent_columns, deferred)


def _index(cursor: Cursor) -> ParsedIndex:
    cursor.expect("CREATE")
    unique = cursor.accept("UNIQUE")
    cursor.expect("INDEX")
    name = _object_name(cursor)
    cursor.expect("ON")
    table = cursor.name()
    terms = parse_terms(cursor, cursor.within_parentheses())
    where = None
    if cursor.accept("WHERE"):
        rest = list(cursor.tokens[cursor.at :])
        while rest and rest[-1].text == ";":
            rest.pop()
        where = cursor.text(rest)
        cursor.at += len(rest)
    cursor.end()
    remarks = ("comments",) if has_comments(cursor.sql) else ()
    return ParsedIndex(name, table, unique, terms, where, remarks)


def _virtual_module(cursor: Cursor) -> str:
    cursor.expect("CREATE", "VIRTUAL", "TABLE")
    _object_name(cursor)
    cursor.expect("USING")
    return cursor.name()
