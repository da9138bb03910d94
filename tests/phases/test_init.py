"""``init``: adopting a database, and making the first one."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hotmig.catalog.read import read_catalog
from hotmig.errors import HotmigError, Refused, SchemaError
from hotmig.phases.init import init
from hotmig.phases.locate import locate
from hotmig.phases.survey import look
from hotmig.planning.hints import hints_of
from hotmig.schema.load import load
from hotmig.schema.model import Schema
from hotmig.sqlite import reading
from hotmig.transfer.bookkeeping import read_hints
from tests.phases.files import application_database, hotmig, new_database, old_database

SCRIPT = """CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE INDEX ix_customer_name ON customer(name); INSERT INTO customer(name) VALUES ('Ada')"""
MODULE = """
from typing import Annotated

from hotmig.schema import From, Key, References, Was, auto, sql, table, trigger, view

database = "shop"


@table(was="kind")
class Tier:
    name: Annotated[str, Key]
    rank: Annotated[int, From("rank * 10")] = 0


@table(indexes=["email"])
class Customer:
    id: Annotated[int, Key] = auto()
    email: Annotated[str, Was("mail")]
    tier: Annotated[Tier, References(on_delete="CASCADE")]


@view(sql="SELECT email FROM customer")
class Email: ...


sql("CREATE VIRTUAL TABLE emails USING fts5(email, content='customer', content_rowid='id')")
trigger("CREATE TRIGGER no AFTER INSERT ON customer BEGIN SELECT RAISE(ABORT, 'no'); END")

basic = Tier(name="basic")
first = Customer(id=7, email="ada@example.org", tier=basic)
"""

Module = Callable[..., Schema]


@pytest.fixture
def module(tmp_path: Path) -> Module:
    def write(old: str = "", new: str = "") -> Schema:
        assert old in MODULE
        file = tmp_path / "schema.py"
        file.write_text(MODULE.replace(old, new))
        return load(file)

    return write


def entries(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


# adopting


def test_adopting_writes_the_module_and_a_link(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    before = app.read_bytes()
    result = init(tmp_path, None, app)
    schema = load(tmp_path / "schema.py")
    assert result.schema_written
    assert result.schema_hash == schema.hash
    assert result.database == tmp_path / f"app-{schema.hash}.sqlite"
    assert os.readlink(result.database) == "app.db"
    assert schema.name == "app"
    assert app.read_bytes() == before
    assert entries(tmp_path) == ["app-" + schema.hash + ".sqlite", "app.db", "schema.py"]
    location = locate(tmp_path)
    assert location.old == location.new == result.database


def test_adopting_under_a_writer_that_holds_the_lock(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT, wal=True)
    writer = sqlite3.connect(app, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO customer(name) VALUES ('Grace')")
    result = init(tmp_path, None, app)
    writer.execute("COMMIT")
    through_link = sqlite3.connect(result.database)
    assert through_link.execute("SELECT count(*) FROM customer").fetchone() == (2,)
    assert f"{result.database.name}-wal" not in entries(tmp_path)


def test_a_database_elsewhere_is_linked_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "deep").mkdir()
    outside = init(tmp_path / "data", None, application_database(tmp_path / "app.db", SCRIPT))
    assert os.readlink(outside.database) == str((tmp_path / "app.db").resolve())
    inside = init(tmp_path, None, application_database(tmp_path / "data" / "deep" / "shop.db", SCRIPT))
    assert os.readlink(inside.database) == "data/deep/shop.db"


def test_a_link_to_the_database_is_followed(tmp_path: Path) -> None:
    (tmp_path / "current.db").symlink_to(application_database(tmp_path / "app.db", SCRIPT).name)
    result = init(tmp_path, None, tmp_path / "current.db")
    assert os.readlink(result.database) == "app.db"
    assert result.adopted == (tmp_path / "app.db").resolve()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_module_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        init(tmp_path, None, application_database(tmp_path / "app.db", SCRIPT))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "schema.py").stat().st_mode) == 0o644 & ~umask


@pytest.mark.parametrize(
    ("file", "name"),
    [("shop.sqlite3", "shop"), ("it's.db", "data"), (".db", "data"), ("shop-0123456789abcdef.sqlite", "shop")],
)
def test_the_module_says_the_name(tmp_path: Path, file: str, name: str) -> None:
    directory, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    directory.mkdir()
    elsewhere.mkdir()
    result = init(directory, None, application_database(elsewhere / file, SCRIPT))
    assert result.database.name == f"{name}-{result.schema_hash}.sqlite"
    assert load(directory / "schema.py").name == name


def test_adopting_twice_says_so(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    first = init(tmp_path, None, app)
    before = {name: os.lstat(tmp_path / name) for name in entries(tmp_path)}
    for path in (app, first.database):
        again = init(tmp_path, None, path)
        assert again.skipped is not None
        assert again.database == first.database
    assert before == {name: os.lstat(tmp_path / name) for name in entries(tmp_path)}


@pytest.mark.parametrize("lost", ["link", "module"])
def test_what_a_killed_init_left_is_completed(tmp_path: Path, lost: str) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    first = init(tmp_path, None, app)
    (first.database if lost == "link" else tmp_path / "schema.py").unlink()
    again = init(tmp_path, None, app)
    assert (again.skipped, again.schema_written) == (None, lost == "module")
    assert locate(tmp_path).old == first.database


def test_a_database_under_its_name_already_gets_its_module(tmp_path: Path) -> None:
    schema_hash = init(tmp_path, None, application_database(tmp_path / "app.db", SCRIPT)).schema_hash
    data = tmp_path / "data"
    data.mkdir()
    path = application_database(data / f"app-{schema_hash}.sqlite", SCRIPT)
    result = init(data, None, path)
    assert result.schema_written
    assert not path.is_symlink()
    assert entries(data) == [path.name, "schema.py"]


@pytest.mark.parametrize("text", ["", "x = 1\n", "import nothing_of_that_name\n", "def\n"])
def test_a_module_that_is_there_is_never_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / "schema.py").write_text(text)
    app = application_database(tmp_path / "app.db", SCRIPT)
    with pytest.raises(Refused, match=r"schema\.py is there already"):
        init(tmp_path, None, app)
    assert (tmp_path / "schema.py").read_text() == text
    assert entries(tmp_path) == ["app.db", "schema.py"]


def test_a_module_with_seed_rows_is_not_what_a_database_has(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    init(tmp_path, None, app).database.unlink()
    module = tmp_path / "schema.py"
    module.write_text(module.read_text() + '\n\nada = Customer(id=1, name="Ada")\n')
    with pytest.raises(Refused, match="seed rows"):
        init(tmp_path, None, app)


def test_a_second_live_database_is_refused(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    first = init(tmp_path, None, app)
    sqlite3.connect(app).execute("ALTER TABLE customer ADD note TEXT")
    (tmp_path / "schema.py").unlink()
    with pytest.raises(Refused, match=f"adopted already, as {first.database.name}"):
        init(tmp_path, None, app)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Refused, match="would be a second database"):
        init(tmp_path, None, application_database(other / "app.db", SCRIPT + "; CREATE TABLE more(x)"))
    assert not (tmp_path / "schema.py").exists()


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    link = init(tmp_path, None, app).database
    for target in ("nowhere", application_database(tmp_path / "other.db", SCRIPT).name):
        link.unlink()
        link.symlink_to(target)
        with pytest.raises(Refused, match="is another file"):
            init(tmp_path, None, app)


def test_a_database_in_a_migration_is_refused(tmp_path: Path) -> None:
    for path, reason in (
        (old_database(tmp_path / "recording.db", "recording"), r"recording\.db is in a migration"),
        (old_database(tmp_path / "retired.db", "retired"), r"retired\.db was replaced by shop-1111111111111111"),
        (new_database(tmp_path / "shop-1111111111111111.sqlite"), r"shop-1111111111111111\.sqlite is in a migration"),
    ):
        with pytest.raises(Refused, match=reason):
            init(tmp_path, None, path)
    assert not (tmp_path / "schema.py").exists()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("text" * 300)
    for name, message in (("text.db", "is no SQLite database"), ("gone.db", "there is no database")):
        with pytest.raises(HotmigError, match=message):
            init(tmp_path, None, tmp_path / name)
    assert entries(tmp_path) == ["text.db"]


def test_a_function_of_the_application_is_told(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "app.db")
    db.create_function("own", 1, abs, deterministic=True)
    db.execute("CREATE TABLE t(a CHECK (own(a) > 0))")
    db.close()
    with pytest.raises(HotmigError, match="no such function: own"):
        init(tmp_path, None, tmp_path / "app.db")
    assert entries(tmp_path) == ["app.db"]


# the first database


def test_the_first_database_has_all_that_the_module_says(tmp_path: Path, module: Module) -> None:
    schema = module()
    result = init(tmp_path, None, None)
    assert result.database == tmp_path / f"shop-{schema.hash}.sqlite"
    assert entries(tmp_path) == ["schema.py", result.database.name]
    seen = look(result.database)
    assert (seen.status, seen.problem, seen.marker) == ("ready", None, None)
    assert seen.identity is not None
    assert (seen.identity.schema_hash, seen.identity.parent) == (schema.hash, None)
    with reading(result.database) as db:
        assert read_catalog(db) == schema.catalog
        assert read_hints(db) == hints_of(schema)
        assert db.execute("SELECT * FROM customer").fetchall() == [(7, "ada@example.org", "basic")]
        assert db.execute("SELECT * FROM tier").fetchall() == [("basic", 0)]
        assert db.execute("SELECT rowid FROM emails WHERE emails MATCH 'example'").fetchall() == [(7,)]
    assert sqlite3.connect(result.database).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    location = locate(tmp_path)
    assert location.old == location.new == result.database


def test_making_it_twice_says_so(tmp_path: Path, module: Module) -> None:
    module()
    first = init(tmp_path, None, None)
    inode = first.database.stat().st_ino
    again = init(tmp_path, None, None)
    assert again.skipped == f"{first.database.name} is there already, and has this schema"
    assert again.database.stat().st_ino == inode


def test_a_live_database_stands_in_the_way(tmp_path: Path, module: Module) -> None:
    module()
    first = init(tmp_path, None, None)
    module("rank", "level")
    with pytest.raises(Refused, match="is live already") as caught:
        init(tmp_path, None, None)
    assert caught.value.hint is not None
    assert "hotmig plan" in caught.value.hint
    assert entries(tmp_path) == ["schema.py", first.database.name]


def test_archives_and_broken_files_stand_in_the_way(tmp_path: Path, module: Module) -> None:
    target = tmp_path / f"shop-{module().hash}.sqlite"
    target.touch()
    with pytest.raises(Refused, match="it is empty"):
        init(tmp_path, None, None)
    target.unlink()
    old_database(target, "retired")
    with pytest.raises(Refused, match="was replaced by"):
        init(tmp_path, None, None)


def test_without_anything_to_start_from_there_is_a_hint(tmp_path: Path) -> None:
    with pytest.raises(HotmigError, match="nothing to start from") as caught:
        init(tmp_path, None, None)
    assert caught.value.hint is not None
    assert "hotmig init APP.DB" in caught.value.hint
    (tmp_path / "schema.py").write_text("def\n")
    with pytest.raises(SchemaError, match=r"schema\.py:1: syntax error"):
        init(tmp_path, None, None)
    assert entries(tmp_path) == ["schema.py"]


def test_a_seed_row_without_its_parent_is_refused_and_leaves_nothing(tmp_path: Path, module: Module) -> None:
    module("tier=basic", 'tier=Tier(name="gold")')
    with pytest.raises(HotmigError, match=r"schema\.py:\d+: .*refers to a row of tier that is not there"):
        init(tmp_path, None, None)
    assert entries(tmp_path) == ["schema.py"]


def test_two_seed_rows_with_one_key_are_refused(tmp_path: Path, module: Module) -> None:
    module()
    file = tmp_path / "schema.py"
    file.write_text(file.read_text() + 'second = Tier(name="basic", rank=2)\n')
    with pytest.raises(HotmigError, match="UNIQUE"):
        init(tmp_path, None, None)
    assert entries(tmp_path) == ["schema.py"]


def test_killed_at_any_moment_it_leaves_a_whole_database_or_none(tmp_path: Path, module: Module) -> None:
    target = tmp_path / f"shop-{module().hash}.sqlite"
    dice = random.Random(5)
    for _ in range(8):
        command = [sys.executable, "-m", "hotmig", "init", "-d", str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.1, 0.5))
        process.kill()
        process.wait()
        if target.exists():
            assert look(target).status == "ready"
        assert init(tmp_path, None, None).database == target
        with reading(target) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM customer").fetchone() == (1,)
        target.unlink()


# the command


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    app = application_database(tmp_path / "app.db", SCRIPT)
    done = hotmig("init", "-d", tmp_path, app)
    link = next(tmp_path.glob("app-*"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"Adopted {app.resolve()}: it stays where it is, and a link gives it its name by the rule.\n"
        f"  schema module: {tmp_path / 'schema.py'} (written)\n"
        f"  database: {link}\n"
    )
    assert hotmig("init", "-d", tmp_path, app).stdout.startswith("Init skipped.\n")
    assert hotmig("plan", "-d", tmp_path).returncode == 0
    (tmp_path / "schema.py").write_text("")
    refused = hotmig("init", "-d", tmp_path, app)
    assert refused.returncode == 3
    assert "Hint: `hotmig inspect " in refused.stderr


def test_the_command_makes_the_first_database(tmp_path: Path, module: Module) -> None:
    schema = module()
    done = hotmig("init", "--json", "-d", tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["database"] == str(tmp_path / f"shop-{schema.hash}.sqlite")
    assert (told["adopted"], told["skipped"], told["schema_written"]) == (None, None, False)
    assert hotmig("path", "-d", tmp_path).stdout.strip() == told["database"]
    assert hotmig("init", "-d", tmp_path, "--schema", tmp_path / "none.py").returncode == 1
