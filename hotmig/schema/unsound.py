"""Which views and triggers of a database SQLite has, and can't run: their tables or columns are gone."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.errors import SchemaError
from hotmig.schema.declare import Statement
from hotmig.schema.drafts import load_text
from hotmig.schema.judge import Judge, Prepare
from hotmig.schema.model import Schema
from hotmig.schema.places import Spot


def unsound(draft: str, prepare: Prepare | None = None) -> frozenset[str]:
    """The names of those that the judge of schema modules would refuse, each tried without the other triggers.

    ``draft`` is a module in which all are ``unchecked``. One that can't be loaded here has none: whoever loads it
    next is told why.
    """
    try:
        schema = load_text(draft, prepare=prepare)
    except SchemaError:
        return frozenset()
    judge = Judge(prepare)
    try:
        return frozenset(_refused(judge, schema))
    finally:
        judge.close()


def _refused(judge: Judge, schema: Schema) -> Iterator[str]:
    indexes = (sql for _, sql in schema.create_indexes)
    for sql in (*schema.create_tables, *indexes, *schema.create_virtual_tables, *schema.create_views):
        judge.run(sql)
    for view in schema.catalog.views:
        if judge.view_error(view.name) is not None:
            yield view.name
    for trigger, sql in zip(schema.catalog.triggers, schema.create_triggers, strict=True):
        if judge.trigger_error(Statement(sql, Spot(str(schema.file), 1))) is not None:
            yield trigger.name
