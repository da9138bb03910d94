"""Random tables, as models: whatever CREATE TABLE and CREATE INDEX can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from hotmig.catalog.model import (
    Check,
    Column,
    ForeignKey,
    Index,
    IndexedColumn,
    PrimaryKey,
    Table,
    UniqueConstraint,
)
from hotmig.sqlite import fold, quote

ODD_NAMES = (
    "order",
    "a b",
    'a"b',
    "a'b",
    "a`b",
    "a.b",
    "a]b",
    "rowid",
    "😀",
    "",
    "É",
    "é",
    "1",
    "--",
    "(",
    "check",
    "key",
)
TYPES = ("", "INTEGER", "INT", "TEXT", "BLOB", "REAL", "VARCHAR(10, -2)", "unsigned big int", "DOUBLE PRECISION")
STRICT_TYPES = ("INTEGER", "INT", "TEXT", "BLOB", "REAL", "ANY")
DEFAULTS = (None, "1", "-5", "'it''s'", "NULL", "x'00'", "CURRENT_TIMESTAMP", "(1) + 2", "TRUE", "abs(-3)")
COLLATIONS = ("BINARY", "NOCASE", "RTRIM")
CONFLICTS = (None, None, "ROLLBACK", "FAIL", "IGNORE", "REPLACE")
ACTIONS = ("NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT")

NAMES = st.sampled_from(ODD_NAMES) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


def names(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(NAMES, min_size=1, max_size=count, unique_by=fold)


@st.composite
def tables(draw: st.DrawFn, name: str = "t") -> Table:
    strict = draw(st.booleans())
    without_rowid = draw(st.booleans())
    columns = draw(_columns(strict))
    key, alias = draw(_primary_key(columns, without_rowid))
    if without_rowid or (strict and alias is None):
        implied = {column.name for column in key.columns} if key else set()
        columns = [replace(column, not_null=column.not_null or column.name in implied) for column in columns]
    # NOT NULL has no effect on the rowid's alias, and is not in the catalog.
    columns = [replace(c, not_null=False, not_null_conflict=None) if c.name == alias else c for c in columns]
    return Table(
        name,
        tuple(columns),
        key,
        draw(_uniques(columns, key if alias is None else None)),
        draw(_checks(columns)),
        draw(_foreign_keys(name, columns)),
        draw(_indexes(columns)),
        strict,
        without_rowid,
        alias,
    )


@st.composite
def _columns(draw: st.DrawFn, strict: bool) -> list[Column]:
    chosen = draw(names(5))
    columns = []
    for number, name in enumerate(chosen):
        not_null = draw(st.booleans())
        generated = None
        if number and draw(st.booleans()) and draw(st.booleans()):
            generated = draw(
                st.sampled_from((f"{quote(chosen[0])} || 'x'", "(1) + (2)", f"length({quote(chosen[0])})"))
            )
        columns.append(
            Column(
                name,
                draw(st.sampled_from(STRICT_TYPES if strict else TYPES)),
                not_null,
                draw(st.sampled_from(CONFLICTS)) if not_null else None,
                draw(st.sampled_from(DEFAULTS)) if generated is None else None,
                draw(st.sampled_from(COLLATIONS)),
                generated,
                generated is not None and draw(st.booleans()),
            )
        )
    return columns


@st.composite
def _terms(draw: st.DrawFn, columns: Sequence[Column]) -> tuple[IndexedColumn, ...]:
    chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique_by=lambda column: column.name))
    return tuple(
        IndexedColumn(
            column.name,
            None,
            draw(st.sampled_from((column.collation, column.collation, *COLLATIONS))),
            draw(st.booleans()),
        )
        for column in chosen
    )


@st.composite
def _primary_key(
    draw: st.DrawFn, columns: Sequence[Column], without_rowid: bool
) -> tuple[PrimaryKey | None, str | None]:
    if not without_rowid and draw(st.booleans()):
        return None, None
    terms = draw(_terms([column for column in columns if column.generated is None]))
    conflict = draw(st.sampled_from(CONFLICTS))
    only = next(column for column in columns if column.name == terms[0].name)
    if len(terms) > 1 or only.type != "INTEGER":
        return PrimaryKey(terms, conflict), None
    terms = (replace(terms[0], collation=only.collation),)
    if without_rowid or terms[0].descending:
        return PrimaryKey(terms, conflict), None
    return PrimaryKey(terms, conflict, draw(st.booleans())), only.name


def _key(terms: Sequence[IndexedColumn]) -> tuple[tuple[str | None, str], ...]:
    return tuple((term.name, term.collation) for term in terms)


@st.composite
def _uniques(draw: st.DrawFn, columns: Sequence[Column], key: PrimaryKey | None) -> tuple[UniqueConstraint, ...]:
    found = draw(st.lists(_terms(columns), max_size=2, unique_by=_key))
    return tuple(
        UniqueConstraint(terms, draw(st.sampled_from(CONFLICTS)))
        for terms in found
        if key is None or _key(terms) != _key(key.columns)
    )


@st.composite
def _checks(draw: st.DrawFn, columns: Sequence[Column]) -> tuple[Check, ...]:
    column = quote(draw(st.sampled_from(columns)).name)
    expressions = st.sampled_from(
        (f"{column} IS NOT NULL", "1 IN (1, 2)", f"({column}) > ')'", f"{column} COLLATE NOCASE <> 'x'")
    )
    return tuple(draw(st.lists(st.builds(Check, expressions, st.none() | NAMES), max_size=2)))


@st.composite
def _foreign_keys(draw: st.DrawFn, table: str, columns: Sequence[Column]) -> tuple[ForeignKey, ...]:
    found = []
    for _ in range(draw(st.integers(0, 2))):
        own = tuple(term.name or "" for term in draw(_terms(columns)))
        parent = draw(st.sampled_from((table, "nowhere")))
        found.append(
            ForeignKey(
                own,
                parent,
                own if parent == table else draw(st.sampled_from(((), own))),
                draw(st.sampled_from(ACTIONS)),
                draw(st.sampled_from(ACTIONS)),
                draw(st.booleans()),
            )
        )
    return tuple(found)


@st.composite
def _indexes(draw: st.DrawFn, columns: Sequence[Column]) -> tuple[Index, ...]:
    found = []
    for name in draw(st.lists(NAMES.map(lambda name: f"i {name}"), max_size=2, unique_by=fold)):
        terms = draw(_terms(columns))
        if draw(st.booleans()):
            first = quote(columns[0].name)
            expression = draw(st.sampled_from((f"length({first})", f"{first} || 'x'", f"-{first}")))
            computed = IndexedColumn(None, expression, draw(st.sampled_from(COLLATIONS)), draw(st.booleans()))
            terms = (*terms, computed)
        where = draw(st.sampled_from((None, f"{quote(columns[0].name)} > 0", "1 = 1 AND (2 = 2)")))
        found.append(Index(name, terms, draw(st.booleans()), where))
    return tuple(found)
