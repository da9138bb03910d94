"""The adapters: each makes the change that it says, with every row, and leaves the live file whole."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hotmig.bench.changes import CHANGES
from hotmig.bench.contenders import MODULES, Job, job_as_text, job_of_text, missing, module_of
from hotmig.bench.contenders.dump import _by_python
from hotmig.bench.shapes import SHAPES, Tables, create

ROWS = 400
EACH = [(name, change) for name in MODULES for change in module_of(name).CHANGES]


def job(tmp_path: Path, change: str, shape: str = "shop") -> Job:
    old = SHAPES[shape]()
    create(tmp_path / "live.sqlite", old, ROWS)
    return Job(tmp_path / "live.sqlite", old, CHANGES[change].apply(old) or old)


def contents(path: Path, tables: Tables) -> list[list[tuple[object, ...]]]:
    """All rows but for their integer keys, by their tables."""
    with closing(sqlite3.connect(path)) as db:
        return [
            sorted(
                db.execute(f"SELECT {', '.join(each.name for each in table.fields if not each.key)} FROM {table.name}"),
                key=repr,
            )
            for table in tables
        ]


@pytest.mark.parametrize(("name", "change"), EACH)
def test_a_contender_keeps_every_row(name: str, change: str, tmp_path: Path) -> None:
    given = job(tmp_path, change)
    before = contents(given.database, given.old)
    result = module_of(name).run(given)
    if MODULES[name][0] == "limit":
        assert contents(result, given.old) == before
        return
    with closing(sqlite3.connect(result)) as db:
        for table in given.new:
            found = {row[1]: (row[2], row[3]) for row in db.execute(f"PRAGMA table_info({table.name})")}
            assert list(found) == [each.name for each in table.fields]
            if change == "rebuild":
                kind, not_null = found[table.loose]
                assert kind in ("REAL", "FLOAT")
                assert not_null == 1
                with pytest.raises(sqlite3.IntegrityError):
                    db.execute(f"UPDATE {table.name} SET {table.loose} = NULL")
            indexes = {row[1] for row in db.execute(f"PRAGMA index_list({table.name})")}
            assert {table.index_name(column) for column in table.indexed} <= indexes
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = [db.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in given.new]
    assert counts == [len(rows) for rows in before]


def test_row_by_row_leads_every_child_to_its_parent(tmp_path: Path) -> None:
    given = job(tmp_path, "keys")
    result = module_of("row by row").run(given)
    question = "SELECT {}, o.note FROM orders AS o JOIN client AS c ON {} ORDER BY o.note"
    with closing(sqlite3.connect(given.database)) as old, closing(sqlite3.connect(result)) as new:
        before = old.execute(question.format("c.code", "c.code = o.client_code")).fetchall()
        assert new.execute(question.format("c.code", "c.id = o.client_id")).fetchall() == before


def test_the_dump_comes_to_the_same_without_the_shell(tmp_path: Path) -> None:
    given = job(tmp_path, "rebuild")
    with closing(sqlite3.connect(given.database)) as old:
        _by_python(given, old)
    by_python = contents(given.new_file, given.new)
    given.new_file.unlink()
    module_of(".dump into a new file").run(given)
    assert contents(given.new_file, given.new) == by_python


def test_a_job_comes_through_the_command_line_of_the_child(tmp_path: Path) -> None:
    given = job(tmp_path, "rebuild", "narrow")
    text = job_as_text(given.database, "narrow", "rebuild")
    assert job_of_text(text) == given
    command = [sys.executable, "-m", "hotmig.bench.contenders.child", "VACUUM INTO", text]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert Path(told["result"]) == given.new_file
    assert told["seconds"] > 0


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_of("Alembic batch mode"), "NEEDS", ("alembic", "no_such_package"))
    assert missing("Alembic batch mode") == ("no_such_package",)
    assert missing("VACUUM INTO") == ()
