"""The new file as a copy of the old one's pages: what it is then, and when it is not made so."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotmig import project, sqlite
from hotmig.errors import HotmigError
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import connect, value
from hotmig.transfer import build, pages
from hotmig.transfer.copy import copy_all
from hotmig.transfer.identity import Identity, read_copies, read_status
from hotmig.transfer.pages import NotByPages, make_of_pages
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema

ROWS = 3_000
OLD = (
    "CREATE TABLE kept(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE ON CONFLICT REPLACE,"
    " CHECK (id > 0))",
    "CREATE TABLE part(kept_id INTEGER NOT NULL REFERENCES kept(id) ON DELETE CASCADE, place, note TEXT COLLATE NOCASE,"
    " PRIMARY KEY (kept_id, place)) WITHOUT ROWID",
    "CREATE INDEX by_note ON part(note DESC, place)",
    "CREATE INDEX other ON part(place)",
    "CREATE TABLE log(id INTEGER PRIMARY KEY, what)",
    "CREATE VIEW notes AS SELECT note FROM part JOIN kept ON id = kept_id",
    "CREATE TRIGGER told AFTER INSERT ON part BEGIN INSERT INTO log(what) VALUES (NEW.note); END",
)
FILL = (
    f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    " INSERT INTO kept SELECT i, 'n' || i FROM n",
    "INSERT INTO part SELECT id, id % 7, CASE WHEN id % 5 THEN zeroblob(3) END FROM kept",
    "DELETE FROM kept WHERE id = 3000",
)
NEW = (
    "CREATE TABLE renamed(id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL UNIQUE ON CONFLICT REPLACE,"
    " kind TEXT NOT NULL DEFAULT 'it''s', CHECK (id > 0))",
    "CREATE TABLE part(kept_id INTEGER NOT NULL REFERENCES renamed(id) ON DELETE CASCADE, place,"
    " note TEXT COLLATE NOCASE, PRIMARY KEY (kept_id, place)) WITHOUT ROWID",
    "CREATE TABLE log(id INTEGER PRIMARY KEY, what, why INTEGER)",
    "CREATE TABLE fresh(id INTEGER PRIMARY KEY)",
    "CREATE INDEX by_note ON part(note DESC, place)",
    "CREATE INDEX other ON part(note, place)",
)
RULES = (rules("renamed", was="kept", title={"was": "name"}),)


class Made(Case):
    """A recorded old database, of which the new file is made when a test says so."""

    def record(self) -> None:
        super().record()
        self.new_path.unlink()

    def make(self, extensions: tuple[str, ...] = (), tell: Callable[[], None] = lambda: None) -> dict[str, int]:
        beginning = build.Beginning(self.schema, self.plan, Identity("0", None, None, ""), (), "", self.expected)
        settings = build.read_settings(self.old_path)
        return make_of_pages(self.new_path, self.old_path, settings, beginning, 5.0, extensions, tell)

    def leaves(self) -> list[str]:
        own = (self.old_path, *project.side_files(self.old_path))
        return sorted(path.name for path in self.old_path.parent.iterdir() if path not in own)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    case = Made(tmp_path, [*OLD, *FILL], schema(NEW, RULES))
    case.record()
    return case


def test_the_new_tables_have_all_rows_and_the_rest_goes_on_from_there(made: Made) -> None:
    assert made.make() == {"renamed": ROWS - 1, "part": ROWS, "log": ROWS}
    assert made.leaves() == ["new.sqlite"]
    made.write("UPDATE kept SET name = name || '!' WHERE id < 9", "DELETE FROM part WHERE kept_id = 77")
    with made.session() as session:
        copies = read_copies(session.db)
        assert copies is not None
        assert {(copy.table, copy.state, copy.rows) for copy in copies} == {
            ("renamed", "indexing", ROWS - 1),
            ("part", "indexing", ROWS),
            ("log", "indexing", ROWS),
            ("fresh", "waiting", 0),
        }
        copied = copy_all(session, build.indexes_of(made.schema), lambda _table, _rows: None, {"part": ROWS})
        # Of those that it was told nothing of it says that an earlier run did them.
        assert (copied.rows["part"], {each.table for each in copied.resumed}) == (ROWS, {"renamed", "log"})
        build.verify_catalog(session.db, made.schema, triggers=False)
        replay(session)
        prove(session, lambda *_: None)
    assert made.new_rows("PRAGMA integrity_check") == [("ok",)]
    assert made.new_rows("SELECT DISTINCT kind FROM renamed") == [("it's",)]
    for new, old in (("SELECT id, title FROM renamed", "SELECT * FROM kept"), ("SELECT * FROM part",) * 2):
        assert made.new_rows(f"{new} ORDER BY 1, 2") == made.app.execute(f"{old} ORDER BY 1, 2").fetchall()
    assert made.new_rows("SELECT seq FROM sqlite_sequence WHERE name = 'renamed'") == [(ROWS,)]


def test_nothing_of_the_old_database_but_its_tables_is_left(made: Made) -> None:
    made.make()
    left = made.new_rows("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' AND type <> 'index' ORDER BY 1")
    own = [("_id_mapping",), ("_migration_copy",), ("_migration_progress",), ("_migration_status",)]
    kept = [("_schema_hint",), ("_schema_identity",), ("fresh",), ("log",), ("part",), ("renamed",)]
    assert [row for row in left if row != ("_data_migration",)] == own + kept
    with made.session() as session:
        assert read_status(session.db) == "migrating"


def test_it_is_in_rollback_journal_mode_like_any_file_that_is_being_made(made: Made) -> None:
    made.make()
    assert made.new_rows("PRAGMA journal_mode") == [("delete",)]
    assert made.new_path.read_bytes()[18:20] == b"\1\1"


@pytest.mark.parametrize("pragma", ["page_size = 8192", "encoding = 'UTF-16le'", "auto_vacuum = 2"])
def test_what_cannot_be_changed_later_is_as_in_the_old_file(tmp_path: Path, pragma: str) -> None:
    app = sqlite3.connect(tmp_path / "old.sqlite")
    app.execute(f"PRAGMA {pragma}")
    app.close()
    made = Made(tmp_path, [*OLD, *FILL], schema(NEW, RULES))
    made.record()
    made.make()
    (name,) = pragma.split(" = ")[:1]
    assert made.new_rows(f"PRAGMA {name}") == made.app.execute(f"PRAGMA {name}").fetchall()
    assert made.new_rows("PRAGMA integrity_check") == [("ok",)]


def test_only_those_may_read_it_who_may_read_the_old_one(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.old_path.chmod(0o640)
    seen = set()

    def looked(old: Path, db: sqlite3.Connection, *rest: Any) -> None:
        copy(old, db, *rest)
        seen.update(stat.S_IMODE((made.old_path.parent / name).stat().st_mode) for name in made.leaves())

    copy = pages._copy
    monkeypatch.setattr(pages, "_copy", looked)
    made.make()
    assert seen | {stat.S_IMODE(made.new_path.stat().st_mode)} == {0o640}


def test_it_is_one_state_whatever_is_written_meanwhile(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite begins a backup anew when somebody writes, and would never come to its end beside a steady writer."""
    looks: list[int] = []

    def monotonic() -> float:
        looks.append(1)
        if len(looks) > 1:
            made.write(f"INSERT INTO kept(name) VALUES ('late {len(looks)}')")
        return 0.0

    monkeypatch.setattr(sqlite, "PAGES_AT_ONCE", 1)
    monkeypatch.setattr(pages.time, "monotonic", monotonic)
    assert made.make()["renamed"] == ROWS - 1
    (size,) = made.app.execute("PRAGMA page_count").fetchone()
    assert 20 < len(looks) < 2 * size
    assert made.new_rows("PRAGMA integrity_check") == [("ok",)]
    with made.session() as session:
        made.copy(session)
        replay(session)
        prove(session, lambda *_: None)


def assert_not_made(made: Made, why: str) -> None:
    before = made.app.execute("PRAGMA data_version").fetchall()
    with pytest.raises(NotByPages, match=why):
        made.make()
    assert made.leaves() == []
    assert made.app.execute("PRAGMA data_version").fetchall() == before


def test_a_read_that_takes_too_long_is_given_up(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PAGES_AT_ONCE", 1)
    monkeypatch.setattr(pages, "SECONDS", -1)
    assert_not_made(made, "took longer than")


def test_in_rollback_journal_mode_a_reader_would_hold_up_the_writers(made: Made) -> None:
    made.write("PRAGMA journal_mode = DELETE")
    assert_not_made(made, "not in WAL mode any more")


def freed(made: Made) -> int:
    """Frees pages of the old file; returns the first page of those that list the free ones."""
    made.write("CREATE TABLE filler AS SELECT zeroblob(3000) FROM kept LIMIT 30", "DROP TABLE filler")
    made.write("PRAGMA wal_checkpoint(TRUNCATE)")
    with made.old_path.open("rb") as file:
        return int.from_bytes(file.read(36)[32:], "big")


@pytest.mark.parametrize("which", [0, -1])
def test_a_free_page_that_a_table_has_too_does_not_come_along(tmp_path: Path, which: int) -> None:
    """New rows would overwrite that table some day, and the proof has seen nothing."""
    made = Made(tmp_path, [*OLD, *FILL], schema(NEW, RULES))
    made.record()
    trunk = freed(made)
    (root,) = made.app.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'log'").fetchone()
    (size,) = made.app.execute("PRAGMA page_size").fetchone()
    made.app.close()
    with made.old_path.open("r+b") as file:
        file.seek((trunk - 1) * size + 4)
        count = int.from_bytes(file.read(4), "big")
        file.seek((trunk - 1) * size + 8 + 4 * (which % count))
        file.write(int(root).to_bytes(4, "big"))
    with pytest.raises(NotByPages, match="quick_check says"):
        made.make()
    assert not made.new_path.exists()


def test_a_definition_that_cannot_be_read_is_none(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_: Any) -> Any:
        raise HotmigError("its SQL says otherwise", "report it")

    monkeypatch.setattr(pages, "read_catalog", unread)
    assert_not_made(made, "its SQL says otherwise")


def test_a_lock_on_the_new_file_is_not_waited_for_without_end(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(old: Path, db: sqlite3.Connection, *rest: Any) -> None:
        other = sqlite3.connect(project.unfinished_files(made.new_path)[0], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        copy(old, db, *rest)

    copy = pages._copy
    monkeypatch.setattr(pages, "_copy", locked)
    monkeypatch.setattr(pages, "SECONDS", 0.1)
    assert_not_made(made, "took longer than")


def test_it_tells_that_it_goes_on(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fence is kept up by whoever is told."""
    told: list[str] = []
    monkeypatch.setattr(sqlite, "PAGES_AT_ONCE", 10)
    monkeypatch.setattr(pages, "STEPS", 100)
    sound = pages._require_sound
    monkeypatch.setattr(pages, "_require_sound", lambda db: (told.append("looked through"), sound(db)))
    made.make(tell=lambda: told.append("told"))
    assert told.index("looked through") > 3
    assert told[-1] == "told"


def test_a_sequence_without_a_table_is_forgotten(made: Made) -> None:
    made.write("INSERT INTO sqlite_sequence VALUES ('ghost', 55)")
    made.make()
    assert made.new_rows("SELECT name FROM sqlite_sequence") == [("renamed",)]


def test_extensions_are_loaded(made: Made) -> None:
    """What counts the rows may go by an index that needs the application's collation."""
    with pytest.raises(HotmigError, match="extension"):
        made.make(extensions=("./missing.so",))
    assert made.leaves() == []


def test_a_full_disk_is_no_reason_to_try_the_longer_way(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(plan: CopyPlan) -> list[str]:
        return [
            "PRAGMA max_page_count = 1",
            "CREATE TABLE more(a)",
            "INSERT INTO more VALUES (zeroblob(100000))",
            *alterations(plan),
        ]

    alterations = pages.alterations
    monkeypatch.setattr(pages, "alterations", full)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        made.make()
    assert made.leaves() == []


def test_names_that_change_places_are_more_than_alter_table_can_do(tmp_path: Path) -> None:
    old = [f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, a)" for name in ("one", "two")]
    swapped = (rules("one", was="two"), rules("two", was="one"))
    made = Made(tmp_path, old, schema(old, swapped))
    made.record()
    assert_not_made(made, "SQLite says there is already another table or index with this name")


def test_tables_that_become_something_else_are_not_taken(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A last look, whatever ALTER TABLE made of them."""
    some = list(pages.alterations(made.plan))[:-1]
    monkeypatch.setattr(pages, "alterations", lambda _plan: some)
    assert_not_made(made, "ALTER TABLE makes something else: ")


def test_it_is_on_the_disk_before_it_is_the_new_file(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: Any) -> None:
        db = connect(project.unfinished_files(made.new_path)[0], "ro")
        assert read_status(db) == "migrating"
        db.close()
        modes.append(mode[-1])

    modes: list[int] = []
    mode: list[int] = []
    durable = pages.make_durable
    monkeypatch.setattr(pages, "make_durable", lambda db: (durable(db), mode.append(value(db, "PRAGMA synchronous"))))
    monkeypatch.setattr(os, "link", look)
    made.make()
    assert modes == [3]  # EXTRA: the commit of that transaction has synced the file
