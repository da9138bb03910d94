"""What a plan counts and lists, and the reports of plan, migrate and drain."""

from __future__ import annotations

import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from hotmig.errors import Stopped
from hotmig.phases import drain, reports
from hotmig.transfer.groups import listing
from hotmig.transfer.session import Session
from tests.rules.memory import begin
from tests.rules.project import Project

COUNTS = {
    "projects": {"carried": 0, "merged": 3, "collisions": 0, "historical_drops": 0, "losers_kept": 0, "created": 1},
    "project_state": {
        "carried": 4,
        "merged": 1,
        "collisions": 0,
        "historical_drops": 3,
        "losers_kept": 0,
        "created": 0,
    },
    "memories": {"carried": 2, "merged": 0, "collisions": 0, "historical_drops": 0, "losers_kept": 2, "created": 0},
}


def report(path: Path) -> dict[str, dict[str, Any]]:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text())
    assert content["format"] == 1
    return {table["table"]: table for table in content["tables"]}


def test_the_plan_counts_and_lists_with_samples(tmp_path: Path) -> None:
    project = begin(tmp_path)
    found = {each["table"]: each for each in project.plan()["groups"]}
    assert {table: {kind: each[kind]["count"] for kind in COUNTS[table]} for table, each in found.items()} == COUNTS
    drops = found["project_state"]["historical_drops"]["samples"]
    assert "id 's5' into 's6': value 'old' and 'new'" in drops
    assert found["projects"]["created"]["samples"][0].endswith(" for 'harbour'")
    text = project.run("plan").stdout
    assert "  project_state: 4 carried, 1 merged, 0 collisions, 3 historical drops, 0 losers kept, 0 created" in text
    assert "save by hand first what has to outlive the old file" in text
    assert "3 rows of project_state are dropped for another of the same key: " in text


def test_the_plan_writes_everything_into_a_file_for_its_owner(tmp_path: Path) -> None:
    project = begin(tmp_path)
    file = tmp_path / "report.json"
    for _ in range(2):  # it may replace an earlier one
        project.run("plan", "--report", str(file))
    tables = report(file)
    assert {name: table["counts"] for name, table in tables.items()} == COUNTS
    assert {entry["key"]["id"] for entry in tables["projects"]["merged"]} == {"p2", "p3", "p6"}
    (merged,) = tables["project_state"]["merged"]
    assert (merged["key"], merged["values"]) == ({"id": "s4"}, {"value": "v"})
    assert merged["winner"] == {"key": {"id": "s3"}, "values": {"value": "v"}}
    assert [entry["winner"] for entry in tables["projects"]["merged"] if entry["key"]["id"] == "p3"] == [
        {"created": True, "values": {}}
    ]


def test_a_report_of_nothing_is_an_error(tmp_path: Path) -> None:
    project = Project.begin(
        tmp_path, "CREATE TABLE a(id INTEGER PRIMARY KEY)", "@table\nclass A:\n    id: Annotated[int, Key] = auto()\n"
    )
    refused = project.run("plan", "--report", str(tmp_path / "report.json"), code=1)
    assert "there is nothing to report: no table has Duplicates or Merge" in refused.stderr


def test_migrate_and_drain_write_what_they_did_and_the_ledger_keeps_path_and_counts(tmp_path: Path) -> None:
    project = begin(tmp_path)
    runs = {}
    runs["migrate"] = json.loads(project.run("migrate", "--json").stdout)
    project.write("INSERT INTO projects VALUES ('p7', 'LANTERN-OLD', 'secret')")
    runs["drain"] = json.loads(project.run("drain", "--cutover", "--json").stdout)
    for command, merged in (("migrate", 3), ("drain", 4)):
        run = runs[command]["run_id"]
        path = tmp_path / ".hotmig" / "reports" / f"{run}.json"
        assert runs[command]["report"] == str(path)
        assert report(path)["projects"]["counts"]["merged"] == merged
        shown = project.run(f"runs show {run}").stdout
        assert f"reports/{run}.json" in shown
        assert f"projects: {merged} merged, 1 created" in shown
        assert "secret" not in shown
    assert stat.S_IMODE((tmp_path / ".hotmig" / "reports").stat().st_mode) == 0o700


@pytest.mark.parametrize("failure", [OSError("full"), sqlite3.OperationalError("locked"), Stopped()], ids=repr)
@pytest.mark.parametrize("way", ["drain --cutover", "drain"])
def test_a_last_report_that_fails_leaves_the_earlier_one_and_the_cutover_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, failure: BaseException
) -> None:
    project = begin(tmp_path)
    project.run("migrate")
    write_report, pause, written = reports.write_report, drain.pause, []

    def late_write(*arguments: Any) -> Any:
        project.write("INSERT INTO projects VALUES ('p7', 'LANTERN-OLD', 'late')")
        return pause(*arguments)

    def failing(session: Any, path: Path, *others: Any) -> None:
        written.append(path)
        if len(written) > 1:
            raise failure
        write_report(session, path, *others)

    monkeypatch.setattr(drain, "pause", late_write)
    monkeypatch.setattr(reports, "write_report", failing)
    stands = way == "drain --cutover" or isinstance(failure, OSError)
    project.run(way, code=0 if stands else 1)
    assert len(written) == 2
    assert report(written[0])["projects"]["counts"]["merged"] == 3
    assert project.run("status", "--json").stdout.count('"phase": "retired"') == (way == "drain --cutover")
    if not stands:
        project.write("INSERT INTO projects VALUES ('p8', 'later', 'writes go on')")


@pytest.mark.parametrize("what", ["database", "link", "module", "folder", "other JSON", "empty", "no name"])
def test_nothing_but_an_earlier_report_is_replaced(tmp_path: Path, what: str) -> None:
    project = begin(tmp_path)
    project.app.close()
    database = next(tmp_path.glob("*.sqlite"))
    path = {"database": database, "module": tmp_path / "schema.py"}.get(what, tmp_path / "report.json")
    if what == "no name":
        refused = project.run("plan", "--report", "", code=2)
        assert "is there already, and is no report of hotmig" in refused.stderr
        return
    if what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to(database)
    elif not path.exists():
        path.write_text("" if what == "empty" else '{"format": 2}')
    before = path.lstat()[:7], path.lstat().st_mtime_ns  # whoever looks into it may change the time of that
    refused = project.run("plan", "--report", str(path), code=2)
    told = "is the name of a database" if what == "database" else "is there already, and is no report of hotmig"
    assert what == "folder" or f"{path} {told}" in refused.stderr
    assert (path.lstat()[:7], path.lstat().st_mtime_ns) == before
    project.run("plan")


@pytest.mark.parametrize("name", ["app.db-wal", "app.db-shm", "app.db-journal", "app-0123456789abcdef.sqlite"])
def test_no_name_of_a_database_is_taken(tmp_path: Path, name: str) -> None:
    project = begin(tmp_path)
    project.app.close()
    before = sorted(tmp_path.iterdir())
    refused = project.run("plan", "--report", str(tmp_path / name), code=2)
    assert f"{tmp_path / name} is the name of a database, or of a file beside one" in refused.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_plan_that_could_not_find_out_names_no_report(tmp_path: Path) -> None:
    project = begin(tmp_path)
    module = (tmp_path / "schema.py").read_text()
    (tmp_path / "schema.py").write_text(module.replace("status = 'active' DESC", "no_such_column DESC"))
    told = project.run("plan", "--report", str(tmp_path / "report.json"), code=1)
    assert "Every row that becomes one" not in told.stdout
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize("wal", [True, False])
def test_who_reads_of_losers_that_stay_reads_the_old_file_in_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wal: bool
) -> None:
    """In rollback-journal mode whoever reads it holds up its writers."""
    monkeypatch.setattr(listing, "PORTION", 2)
    gaps: list[int] = []

    def gap(session: Session, _worked: float = 0.0) -> None:
        listed = f"SELECT count(*) FROM temp.sqlite_schema WHERE name = '{listing.STAGED}'"
        gaps.append(session.db.execute(listed).fetchone()[0])

    begun = begin(tmp_path, *(f"INSERT INTO memories VALUES ('n{i}', 'fact', 'x', 'lantern', 'active', 't{i}')"
        for i in range(9)), wal=wal)  # fmt: skip
    begun.run("migrate")
    monkeypatch.setattr(Session, "let_writers_in", gap)
    run = json.loads(begun.run("drain", "--cutover", "--json").stdout)
    found = report(Path(run["report"]))["memories"]
    assert len(found["losers_kept"]) == found["counts"]["losers_kept"] == 10
    assert {entry["winner"]["key"]["id"] for entry in found["losers_kept"]} == {"m2", "m3", "n8"}
    assert sum(gaps) >= (0 if wal else 10)
    assert wal == (sum(gaps) == 0)


def test_what_losers_set_is_written_down_however_it_is_nested(tmp_path: Path) -> None:
    """SQLite's parser has a stack of a hundred places."""
    project = Project.begin(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, cat TEXT, ts INTEGER);"
        "INSERT INTO t VALUES (1, 'a', 1), (2, 'alpha', 2)",
        """@table(duplicates=Duplicates(key="cat", compare=(), prefer="id", equal="keep",
    losers={"ts": "coalesce(ts, 0) + 100 * (1 + _canonical)"}))
class T:
    id: Annotated[int, Key] = auto()
    cat: Annotated[str | None, Mapped({"alpha": "a"}, fold_case=True)]
    ts: int | None
""",
    )
    project.run("plan", "--report", str(tmp_path / "report.json"))
    for command in ("migrate", "drain"):
        path = json.loads(project.run(command, "--json").stdout)["report"]
        assert [each["key"] for each in report(Path(path))["t"]["losers_kept"]] == [{"id": 2}]
