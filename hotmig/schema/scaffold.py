"""A catalog as a schema module: what a person would have written to get this database."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from hotmig.catalog.lexer import has_comments, tokens
from hotmig.catalog.model import Catalog, Table, View
from hotmig.schema.declare import snake_case
from hotmig.schema.judge import Prepare
from hotmig.schema.layout import (
    WIDTH,
    Group,
    Keyword,
    Source,
    Statement,
    Text,
    call,
    lay_out,
    quoted,
)
from hotmig.schema.names import TAKEN, Names, class_names, view_names
from hotmig.schema.scaffold_parts import Classes
from hotmig.schema.scaffold_table import class_source
from hotmig.schema.unsound import unsound
from hotmig.sqlite import fold

_DOCSTRING = '"""The schema of the database. Change it here, and `hotmig plan` says what that would do."""'
_FROM = {"Annotated": "from typing import Annotated", "Decimal": "from decimal import Decimal"}
_FUNCTIONS = ("auto", "sql", "table", "trigger", "view")


def module_text(catalog: Catalog, *, database_name: str | None = None, prepare: Prepare | None = None) -> str:
    """The source of a schema module that compiles to the catalog, laid out as ruff would.

    Views and triggers that SQLite has but can't run are marked ``unchecked``; ``prepare`` gets the connections that
    try them, to load extensions. Raises HotmigError for SQL that can't be read.
    """
    every = frozenset([*(view.name for view in catalog.views), *(trigger.name for trigger in catalog.triggers)])
    broken = unsound(_Scaffold(catalog, every).text(), prepare) if every else every
    return _Scaffold(catalog, broken, database_name).text()


class _Scaffold:
    """One module; ``unchecked`` are names of views and triggers."""

    def __init__(self, catalog: Catalog, unchecked: frozenset[str], database_name: str | None = None) -> None:
        self.catalog = catalog
        self.unchecked = unchecked
        self.database_name = database_name
        self.tables = _parents_first(catalog.tables)
        by_name = {fold(table.name): table for table in self.tables}
        parents = {key.parent for table in self.tables for key in table.foreign_keys}
        # A class of that name would be taken for a parent that is not there.
        names = Names("Row", {parent for parent in parents if fold(parent) not in by_name})
        self.classes = Classes(by_name, _class_names(self.tables, names))
        self.view_classes = {view.name: names.take(*view_names(view.name)) for view in catalog.views}

    def text(self) -> str:
        """The source of the module."""
        classes = [class_source(table, self.classes) for table in self.tables]
        statements = [_call("sql", table.sql, verbatim=True) for table in self.catalog.virtual_tables]
        views = [self._view(view) for view in self.catalog.views]
        triggers = [_call("trigger", each.sql, each.name in self.unchecked) for each in self.catalog.triggers]
        body = "\n\n\n".join([*classes, *_paragraph(statements), *views, *_paragraph(triggers)])
        name = f"database = {quoted(self.database_name)}" if self.database_name is not None else ""
        imports = _imports(body)
        gap = "\n\n\n" if classes or views else "\n\n"
        head = "\n\n".join(part for part in (_DOCSTRING, imports, name) if part)
        return head + (gap + body if body else "") + "\n"

    def _view(self, view: View) -> str:
        name = self.view_classes[view.name]
        arguments: list[Source] = [] if snake_case(name) == view.name else [Text(view.name)]
        arguments.append(Keyword("sql", Statement(_select(view))))
        if view.name in self.unchecked:
            arguments.append(Keyword("unchecked", "True"))
        return f"{lay_out(call('@view', *arguments))}\nclass {name}: ..."


def _parents_first(tables: Sequence[Table]) -> list[Table]:
    """Parents before children, else in the order given. Sorting again changes nothing."""
    waiting, sorted_, done = list(tables), list[Table](), set[str]()
    names = {fold(table.name) for table in tables}
    parents = {
        table.name: {fold(key.parent) for key in table.foreign_keys} & names - {fold(table.name)} for table in tables
    }
    while waiting:
        table = next((table for table in waiting if parents[table.name] <= done), waiting[0])
        waiting.remove(table)
        sorted_.append(table)
        done.add(fold(table.name))
    return sorted_


def _class_names(tables: Iterable[Table], names: Names) -> dict[str, str]:
    """By folded table name. A table that needs no ``@table("name")`` comes first."""
    candidates = {table.name: class_names(table.name) for table in tables}
    by_itself = [name for name, (best, *_) in candidates.items() if snake_case(best) == name]
    ordered = dict.fromkeys([*by_itself, *candidates])
    return {fold(name): names.take(*candidates[name]) for name in ordered}


def _select(view: View) -> str:
    """The SELECT, or the whole statement where there is more to it: columns of its own, a comment."""
    stream = tokens(view.sql)
    if len(stream) < 5 or stream[3].keyword != "AS" or has_comments(view.sql[: stream[3].end]):
        return view.sql
    return view.sql[stream[3].end :].strip()


def _call(name: str, sql: str, unchecked: bool = False, *, verbatim: bool = False) -> str:
    arguments: list[Source] = [Statement(sql, verbatim)]
    if unchecked:
        arguments.append(Keyword("unchecked", "True"))
    return lay_out(Group(f"{name}(", tuple(arguments), ")"))


def _paragraph(statements: Sequence[str]) -> list[str]:
    return ["\n\n".join(statements)] if statements else []


def _imports(body: str) -> str:
    """The imports of what the source uses, sorted as isort does it."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    # A forward reference is a string, and its class is no import.
    standard = ["import datetime as dt"] if "dt" in used else []
    standard += [line for name, line in sorted(_FROM.items(), key=lambda item: item[1]) if name in used]
    markers = sorted(name for name in used & TAKEN if name[0].isupper() and name not in _FROM)
    own: list[Source] = [*markers, *(name for name in _FUNCTIONS if name in used)]
    flat = f"from hotmig.schema import {', '.join(str(name) for name in own)}"
    if len(flat) > WIDTH:
        flat = lay_out(Group("from hotmig.schema import (", tuple(own), ")"))
    return "\n\n".join(part for part in ("\n".join(standard), flat if own else "") if part)
