"""The first database of a schema module, made out of sight: under its name it is either whole or not there."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from hotmig import project
from hotmig.catalog.fingerprint import canonical, digest
from hotmig.errors import HotmigError, Refused
from hotmig.ledger.run import Run
from hotmig.planning.data_marks import Mark
from hotmig.planning.full_text import external_content
from hotmig.planning.hints import hints_of
from hotmig.schema.model import Schema, SeedRow
from hotmig.sqlite import connect, execute, quote, transaction, value
from hotmig.transfer.bookkeeping import STATUS_TABLE, identity_tables, write_identity
from hotmig.transfer.build import finish_schema, sync_directory, verify_catalog
from hotmig.transfer.identity import Identity
from hotmig.transfer.marks import carry_marks, note_known

SCRATCH = ".hotmig-init-"


def make(target: Path, schema: Schema, *, extensions: tuple[str, ...] = ()) -> None:
    """Makes the database, in WAL mode, ready for the application.

    Raises Refused when the name was taken meanwhile, HotmigError for seed rows that don't fit together.
    """
    with scratch_folder(target.parent) as scratch:
        draft = Path(scratch) / target.name
        db = connect(draft, "rwc", extensions=extensions)
        try:
            with transaction(db, 0, "the first database"):
                _fill(db, schema)
            if value(db, "PRAGMA journal_mode = WAL") != "wal":
                raise HotmigError(f"{target.parent} has a file system without shared memory", "use a local one")
        finally:
            db.close()  # which empties the log: only the file itself is left
        publish(draft, target)


def scratch_folder(folder: Path) -> TemporaryDirectory[str]:
    """A folder for drafts, on the file system where they will get their names."""
    return TemporaryDirectory(prefix=SCRATCH, dir=folder)


def clear_up(folder: Path, run: Run) -> None:
    """Removes what an init that was killed left there; what it had published already is made durable."""
    for left in folder.glob(f"{SCRATCH}*"):
        with run.step("delete", left.name):
            rmtree(left, ignore_errors=True)
    sync_directory(folder)


def publish(draft: Path, target: Path) -> None:
    """Gives a finished file its name, in one step, and never that of another file. Raises Refused for a taken name."""
    try:
        os.link(draft, target)
    except FileExistsError as error:
        raise Refused(f"{target} is there already", "look at it, and move it away if it is not needed") from error
    sync_directory(target.parent)


def _fill(db: sqlite3.Connection, schema: Schema) -> None:
    """Triggers come last: seed rows fire none, as in a migration."""
    for sql in (*schema.create_tables, *(sql for _, sql in schema.create_indexes)):
        execute(db, sql)
    for rules in schema.tables:
        for seed in rules.seeds:
            _plant(db, rules.table, seed)
    for rules in schema.tables:
        if rules.seeds:
            _require_parents(db, rules.table, rules.seeds[0])
    finish_schema(db, schema)
    for table in schema.catalog.virtual_tables:
        if external_content(table) is not None:
            execute(db, f"INSERT INTO {quote(table.name)}({quote(table.name)}) VALUES ('rebuild')")
    for sql in (*schema.create_triggers, STATUS_TABLE, *identity_tables()):
        execute(db, sql)
    execute(db, "INSERT INTO _migration_status VALUES (0, 'ready')")
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    identity = Identity(schema.hash, project.commit_of(schema.file), None, created)
    # The hints of the module are used up: this database was never another one.
    write_identity(db, identity, hints_of(schema), digest(canonical(schema.catalog)))
    _stamp_all(db, schema, created)
    verify_catalog(db, schema, triggers=True)


def _stamp_all(db: sqlite3.Connection, schema: Schema, created: str) -> None:
    """In a new database there is nothing that a data migration would have to mend."""
    note_known(db, schema)
    carry_marks(db, schema, [Mark(each.name, created) for each in schema.data_migrations], skipped=False)


def _plant(db: sqlite3.Connection, table: str, seed: SeedRow) -> None:
    columns, marks = ", ".join(map(quote, seed.columns)), ", ".join("?" * len(seed.values))
    try:
        execute(db, f"INSERT OR ABORT INTO {quote(table)}({columns}) VALUES ({marks})", seed.values)
    except sqlite3.Error as error:
        raise HotmigError(
            f"{seed.place}: this seed row does not fit into {table}: {error}", "correct the row"
        ) from error


def _require_parents(db: sqlite3.Connection, table: str, seed: SeedRow) -> None:
    try:
        orphan = execute(db, f"PRAGMA foreign_key_check({quote(table)})").fetchone()
    except sqlite3.OperationalError:  # an unchecked reference, to what is not there
        return
    if orphan is not None:
        raise HotmigError(
            f"{seed.place}: a seed row of {table} refers to a row of {orphan[2]} that is not there",
            f"add the row of {orphan[2]} to the seed rows",
        )
