"""The report of `migrate` is written beside the copy, from what the plan has found."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from hotmig.phases import migrate, reports
from tests.rules.memory import begin
from tests.rules.project import Project

FOLDER = Path(".hotmig/reports")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each report that is written: whether by another thread than the one that copies."""
    calls: list[bool] = []
    write_report = reports.write_report

    def recorded(*arguments: Any) -> None:
        calls.append(threading.current_thread() is not threading.main_thread())
        write_report(*arguments)

    monkeypatch.setattr(reports, "write_report", recorded)
    return calls


def migrated(project: Project) -> dict[str, Any]:
    path = json.loads(project.run("migrate", "--json").stdout)["report"]
    assert [each.name for each in (project.directory / FOLDER).iterdir()] == [Path(path).name]
    tables: dict[str, Any] = {each["table"]: each for each in json.loads(Path(path).read_text())["tables"]}
    return tables


def merged(tables: dict[str, Any]) -> set[str]:
    return {each["key"]["id"] for each in tables["projects"]["merged"]}


def test_it_says_what_the_plan_says(tmp_path: Path, written: list[bool]) -> None:
    project = begin(tmp_path)
    project.run("plan", "--report", str(tmp_path / "planned.json"))
    planned = {each["table"]: each for each in json.loads((tmp_path / "planned.json").read_text())["tables"]}
    found = migrated(project)
    assert written == [True]
    assert {name: told(table) for name, table in found.items()} == {name: told(each) for name, each in planned.items()}


def told(table: dict[str, Any]) -> tuple[Any, ...]:
    """Without the key of the row that is made, which is random."""
    listed = {kind: [each["key"] for each in table[kind]] for kind in table["counts"] if kind != "created"}
    return table["counts"], listed


def write_before_the_copy(project: Project, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    copy_all = migrate.copy_all

    def copied(*arguments: Any) -> Any:
        project.write(sql)
        return copy_all(*arguments)

    monkeypatch.setattr(migrate, "copy_all", copied)


def test_rows_that_are_regrouped_meanwhile_are_in_it(
    tmp_path: Path, written: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = begin(tmp_path)
    write_before_the_copy(project, monkeypatch, "INSERT INTO projects VALUES ('p7', 'LANTERN-OLD', 'late')")
    assert "p7" in merged(migrated(project))
    assert written[-1] is False


def test_rows_that_are_in_no_group_change_nothing_in_it(
    tmp_path: Path, written: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = begin(tmp_path)
    write_before_the_copy(project, monkeypatch, "INSERT INTO interactions VALUES ('i4', 'shadow', 'late')")
    migrated(project)
    assert written == [True]


def test_one_that_fails_is_written_behind_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, write_report = begin(tmp_path), reports.write_report

    def written(session: Any, path: Path, *others: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            path.write_text("half")
            raise OSError("full")
        write_report(session, path, *others)

    monkeypatch.setattr(reports, "write_report", written)
    assert merged(migrated(project)) == {"p2", "p3", "p6"}


def test_nobody_waits_for_it_where_the_copy_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, is_writing = begin(tmp_path), threading.Event()

    def endless(session: Any, path: Path, *_: Any) -> None:
        path.write_text("half")
        is_writing.set()
        session.db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")

    def dies(*_: Any) -> None:
        assert is_writing.wait(10)
        raise RuntimeError("the copy fails")

    monkeypatch.setattr(reports, "write_report", endless)
    monkeypatch.setattr(migrate, "copy_all", dies)
    project.run("migrate", code=1)
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_in_rollback_journal_mode_the_copy_is_the_only_reader(tmp_path: Path, written: list[bool]) -> None:
    project = begin(tmp_path)
    project.app.execute("PRAGMA journal_mode = DELETE")
    migrated(project)
    assert written == [False]


def test_what_a_run_that_was_killed_left_is_taken_away(tmp_path: Path) -> None:
    project = begin(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True, mode=0o700)
    for name in (".dead.json.draft", "..dead.json.draft.tmp"):
        (tmp_path / FOLDER / name).write_text("half")
    migrated(project)


def test_nothing_else_is_taken_away(tmp_path: Path) -> None:
    project = begin(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True, mode=0o700)
    (tmp_path / FOLDER / ".gitignore").write_text("*")
    project.run("migrate")
    assert (tmp_path / FOLDER / ".gitignore").read_text() == "*"


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path, mode: str) -> None:
    project = begin(tmp_path)
    project.app.execute(f"PRAGMA journal_mode = {mode}")
    (tmp_path / FOLDER).write_text("no folder")
    refused = project.run("migrate", code=1)
    assert "reports is no directory" in refused.stderr
    assert "make room for it and see who owns that folder" in refused.stderr
