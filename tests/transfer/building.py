"""A migration put together from SQL alone: the transfer is tested without schema modules and commands."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hotmig.capture.log import create_log, log_width
from hotmig.capture.triggers import capture_triggers
from hotmig.catalog.read import read_catalog
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.model import CopyPlan
from hotmig.schema.model import ColumnRules, Dropped, Place, Schema, SeedRow, TableRules
from hotmig.sqlite import connect, execute
from hotmig.transfer import build
from hotmig.transfer.copy import copy_all
from hotmig.transfer.identity import Identity
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session, open_session

PLACE = Place(Path("schema.py"), 1)


def rules(table: str, was: str | None = None, seeds: Sequence[SeedRow] = (), **columns: dict[str, str]) -> TableRules:
    """What a module would say of one table: ``total={"source": "total * 100"}``, ``placed_at={"was": "placed"}``."""
    said = tuple(ColumnRules(name, name, **given) for name, given in columns.items())  # type: ignore[arg-type]
    return TableRules(table, table.capitalize(), PLACE, was, said, tuple(seeds))


def seed(if_absent: bool = False, **values: object) -> SeedRow:
    return SeedRow(tuple(values), tuple(values.values()), if_absent, PLACE)  # type: ignore[arg-type]


def schema(ddl: Sequence[str], tables: Sequence[TableRules] = (), dropped: Sequence[Dropped] = ()) -> Schema:
    """A schema as loading would give it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for sql in ddl:
        db.execute(sql)
    catalog = read_catalog(db)
    said = {one.table.lower(): one for one in tables}
    every = tuple(said.get(table.name.lower(), rules(table.name)) for table in catalog.tables)
    indexes = db.execute("SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    plain = tuple(row[0] for row in db.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql NOT NULL"))
    tables_sql = tuple(sql for sql in plain if "sqlite_sequence" not in sql)
    return Schema(
        PLACE.file, None, catalog, every, tuple(dropped), (), tables_sql, tuple(indexes), (), (), (), "0" * 16
    )


class Case:
    """An old file that is being recorded, and the new one; the test is the application."""

    def __init__(
        self,
        directory: Path,
        old_ddl: Sequence[str],
        wanted: Schema,
        *,
        wal: bool = True,
        expected: Mapping[str, int] | None = None,
    ) -> None:
        self.expected = expected or {}
        self.old_path, self.new_path = directory / "old.sqlite", directory / "new.sqlite"
        self.app = sqlite3.connect(self.old_path, isolation_level=None, timeout=10)
        self.app.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        for sql in old_ddl:
            self.app.execute(sql)
        self.schema = wanted
        self.plan: CopyPlan = build_plan(read_catalog(self.app), wanted)

    def write(self, *statements: str) -> None:
        for sql in statements:
            self.app.execute(sql)

    def record(self) -> None:
        self.write(create_log(log_width(self.plan.recorded)))
        for recorded in self.plan.recorded:
            self.write(*capture_triggers(recorded))
        settings = build.read_settings(self.old_path)
        build.create_file(self.new_path, settings)
        identity = Identity("0", None, None, "")
        beginning = build.Beginning(self.schema, self.plan, identity, (), "", self.expected)
        build.create_schema(self.new_path, settings, beginning)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with open_session(self.new_path, self.old_path, self.plan, 5.0) as session:
            yield session

    def copy(self, session: Session) -> None:
        copy_all(session, build.indexes_of(self.schema), lambda _table, _rows: None)

    def new_rows(self, sql: str) -> list[tuple[object, ...]]:
        db = connect(self.new_path, "ro")
        try:
            return execute(db, sql).fetchall()
        finally:
            db.close()


def replayed(question: str, case: Case, session: Session, *writes: str) -> list[tuple[object, ...]]:
    """What the new database answers once the writes are replayed and the proof has passed."""
    case.write(*writes)
    replay(session)
    prove(session, lambda *_: None)
    return case.new_rows(question)
