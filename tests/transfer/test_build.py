"""The new file takes over what the old one is: mode and owner, pages, encoding, journal mode, statistics."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.sqlite import connect, execute, value
from hotmig.transfer import build
from hotmig.transfer.build import FileSettings, create_file, read_settings
from tests.phases.shops import items, open_shop
from tests.transfer.building import Case, schema

T = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def settings(directory: Path, permissions: int = 0o600) -> FileSettings:
    old = directory / "old.sqlite"
    db = sqlite3.connect(old)
    db.execute(T)
    db.close()
    old.chmod(permissions)
    return read_settings(old)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o664, 0o400])
def test_the_old_files_mode_is_there_before_anything_is_written(tmp_path: Path, permissions: int) -> None:
    new = tmp_path / "new.sqlite"
    create_file(new, settings(tmp_path, permissions))
    assert (mode(new), new.stat().st_size) == (permissions, 0)


def test_it_never_had_a_wider_mode(tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    new, modes = tmp_path / "new.sqlite", []
    for name in ("fchmod", "fchown"):

        def looked_at_first(*arguments: int, change: object = getattr(os, name)) -> None:
            modes.append(mode(new))
            change(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(os, name, looked_at_first)
    create_file(new, settings(tmp_path, 0o640))
    assert modes == [0o600 & ~umask]


def test_a_file_that_is_there_is_not_taken(tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    new.write_text("somebody's")
    with pytest.raises(FileExistsError):
        create_file(new, settings(tmp_path))
    assert new.read_text() == "somebody's"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_old_files_owner_and_group_are_there_before_anything_is_written(tmp_path: Path) -> None:
    settings(tmp_path)
    os.chown(tmp_path / "old.sqlite", 12345, 23456)
    new = tmp_path / "new.sqlite"
    create_file(new, read_settings(tmp_path / "old.sqlite"))
    assert (new.stat().st_uid, new.stat().st_gid, new.stat().st_size) == (12345, 23456, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("wal", [True, False])
def test_after_a_migration_by_root_every_file_is_the_applications(tmp_path: Path, wal: bool) -> None:
    shop = open_shop(tmp_path / "shop", wal=wal)
    os.chown(shop.old, 12345, 23456)
    shop.old.chmod(0o640)
    before = os.umask(0)
    try:
        for command in ("migrate", "drain", "cutover"):
            shop.run(command)
            for path in shop.directory.glob("shop-*"):
                assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (12345, 23456, 0o640), path.name
    finally:
        os.umask(before)


def test_settings_of_a_symbolic_link_are_those_of_the_database(tmp_path: Path) -> None:
    expected = settings(tmp_path, 0o640)
    (tmp_path / "link.sqlite").symlink_to("old.sqlite")
    assert read_settings(tmp_path / "link.sqlite") == expected


@pytest.mark.parametrize("wal", [True, False])
@pytest.mark.parametrize(
    ("pragma", "given"),
    [
        ("page_size", 512),
        ("page_size", 65536),
        ("encoding", "UTF-16le"),
        ("encoding", "UTF-16be"),
        ("auto_vacuum", 1),
        ("auto_vacuum", 2),
        ("auto_vacuum", 0),
    ],
)
def test_pages_encoding_and_vacuum_are_the_old_ones(tmp_path: Path, wal: bool, pragma: str, given: object) -> None:
    setting = f"PRAGMA {pragma} = '{given}';"
    db = sqlite3.connect(tmp_path / "made.sqlite")
    shop = open_shop(tmp_path / "shop", script="SELECT 1", wal=False)
    db.close()
    shop.old.unlink()
    fill = "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'Zoë 😀'), (2, NULL);"
    db = sqlite3.connect(shop.old, isolation_level=None)
    db.executescript(f"{setting}PRAGMA journal_mode = {'WAL' if wal else 'DELETE'};{fill}")
    db.close()
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    assert shop.ask(f"PRAGMA {pragma}", shop.old) == [(given,)], "the old file is not what this test is about"
    assert shop.ask(f"PRAGMA {pragma}", shop.new) == [(given,)]
    assert shop.ask("PRAGMA journal_mode", shop.new) == [("wal" if wal else "delete",)]
    assert shop.ask(items("item", "title"), shop.new) == [(1, "Zoë 😀"), (2, None)]
    assert shop.ask("PRAGMA integrity_check", shop.new) == [("ok",)]


def test_while_it_is_built_it_keeps_a_rollback_journal(tmp_path: Path) -> None:
    case = Case(tmp_path, [T], schema([T]))
    case.record()
    assert case.new_rows("PRAGMA journal_mode") == [("delete",)]
    assert build.is_begun(case.new_path)


def test_a_file_without_its_tables_was_never_begun(tmp_path: Path) -> None:
    assert not build.is_begun(tmp_path / "none.sqlite")
    create_file(tmp_path / "empty.sqlite", settings(tmp_path))
    assert not build.is_begun(tmp_path / "empty.sqlite")
    assert not build.is_begun(tmp_path / "old.sqlite")


@pytest.mark.parametrize("analyzed", [True, False])
def test_there_are_statistics_where_the_old_file_has_them(tmp_path: Path, analyzed: bool) -> None:
    index = "CREATE INDEX by_v ON t(v)"
    case = Case(tmp_path, [T, index, "INSERT INTO t VALUES (1, 'a'), (2, 'a')"], schema([T, index]))
    if analyzed:
        case.write("ANALYZE")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert build.analyze_like(session.db) is analyzed
        tables = {row[0] for row in execute(session.db, "SELECT name FROM sqlite_schema").fetchall()}
        assert ("sqlite_stat1" in tables) is analyzed
        if analyzed:
            assert value(session.db, "SELECT stat FROM sqlite_stat1 WHERE idx = 'by_v'") == "2 2"


@pytest.mark.parametrize("analyzed", [True, False])
def test_a_migration_takes_statistics_of_the_new_rows(tmp_path: Path, analyzed: bool) -> None:
    shop = open_shop(tmp_path / "shop")
    if analyzed:
        shop.write("ANALYZE")
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    assert (shop.ask("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'", shop.new) == [(1,)]) is analyzed
    if analyzed:
        assert shop.ask("SELECT stat FROM sqlite_stat1 WHERE tbl = 'item'", shop.new) == [("50",)]


@pytest.mark.parametrize(
    ("change", "told"),
    [("CREATE INDEX extra ON t(v)", "extra"), ("ALTER TABLE t ADD COLUMN w", "w"), ("CREATE TABLE more(x)", "more")],
)
def test_a_file_that_is_not_what_the_module_says_is_refused(tmp_path: Path, change: str, told: str) -> None:
    case = Case(tmp_path, [T], schema([T]))
    case.record()
    db = connect(case.new_path)
    build.verify_catalog(db, case.schema, triggers=False)
    execute(db, change)
    with pytest.raises(Refused, match=rf"did not become what the schema module says: .*\b{told}\b"):
        build.verify_catalog(db, case.schema, triggers=False)
    db.close()
