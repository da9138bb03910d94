"""``inspect``: the module of a database, and what it can't say."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from hotmig.catalog.fingerprint import differences
from hotmig.errors import HotmigError
from hotmig.phases.inspect import inspect, read_database
from hotmig.schema.drafts import load_text
from tests.phases.files import application_database, hotmig


@pytest.mark.parametrize("wal", [False, True])
def test_the_module_gives_the_catalog_and_nothing_is_written(tmp_path: Path, wal: bool) -> None:
    path = application_database(
        tmp_path / "app.db", "CREATE TABLE customers(CustomerId INTEGER PRIMARY KEY, Name TEXT)", wal=wal
    )
    before = (path.read_bytes(), sorted(os.listdir(tmp_path)))
    inspection = inspect(path)
    assert (path.read_bytes(), sorted(os.listdir(tmp_path))) == before
    assert inspection.unsaid == ()
    assert (
        '@table("customers")\nclass Customer:\n    customer_id: Annotated[int, Column("CustomerId")'
        in inspection.module
    )
    assert differences(read_database(path)[0], load_text(inspection.module).catalog) == ()


def test_a_file_with_a_name_by_the_rule_gives_the_module_its_name(tmp_path: Path) -> None:
    script = "CREATE TABLE t(a INTEGER PRIMARY KEY)"
    named = application_database(tmp_path / "shop-0123456789abcdef.sqlite", script)
    assert '\ndatabase = "shop"\n' in inspect(named).module
    assert load_text(inspect(named).module).name == "shop"
    assert "database =" not in inspect(application_database(tmp_path / "app.db", script)).module


def test_what_the_module_does_not_say_is_told(tmp_path: Path) -> None:
    script = "CREATE TABLE t(a CONSTRAINT named NOT NULL, /* why */ b REFERENCES t(a) MATCH FULL)"
    assert inspect(application_database(tmp_path / "app.db", script)).unsaid == (
        "the module does not say: table t: MATCH FULL of the foreign key to t, which has no effect",
        "the module does not say: table t: the constraint name named",
        "the module does not say: table t: comments",
    )


def test_a_module_that_can_not_be_loaded_here_is_told(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    db = sqlite3.connect(path)
    db.create_function("own", 1, abs, deterministic=True)
    db.execute("CREATE TABLE t(a CHECK (own(a) > 0))")
    db.close()
    inspection = inspect(path)
    assert 'Check("own(a) > 0")' in inspection.module
    assert len(inspection.unsaid) == 1
    assert inspection.unsaid[0].startswith("this module can't be loaded here: schema.py:")
    assert "no such function: own" in inspection.unsaid[0]


def test_an_index_over_a_text_can_not_be_said(tmp_path: Path) -> None:
    path = application_database(tmp_path / "app.db", 'CREATE TABLE t(a); CREATE INDEX i ON t("no such column")')
    assert "can't be loaded here" in inspect(path).unsaid[0]


def test_a_database_in_a_migration_is_inspected_without_what_is_hotmigs(tmp_path: Path) -> None:
    script = """CREATE TABLE t(a INT); CREATE TABLE _migration_log(id INTEGER PRIMARY KEY, operation, table_name);
        CREATE TABLE _schema_hint(kind, table_name, column_name, hint)"""
    assert inspect(application_database(tmp_path / "app.db", script)).module.count("@table") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no database"), (b"", "is empty"), (b"text" * 300, "is no SQLite database")],
)
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "app.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HotmigError, match=message) as caught:
        inspect(path)
    assert caught.value.hint


def test_the_command_prints_the_module_on_stdout_and_the_rest_on_stderr(tmp_path: Path) -> None:
    path = application_database(tmp_path / "app.db", "CREATE TABLE t(a CONSTRAINT named NOT NULL)")
    done = hotmig("inspect", path)
    assert done.returncode == 0
    assert done.stdout == inspect(path).module
    assert done.stderr == "Warning: the module does not say: table t: the constraint name named\n"
    as_json = json.loads(hotmig("inspect", "--json", path).stdout)
    assert as_json["module"] == done.stdout
    assert len(as_json["unsaid"]) == 1
    assert hotmig("inspect", "-d", tmp_path, tmp_path / "none.db").returncode == 2
