"""What is told while the work goes on, where no terminal draws it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotmig.cli.app import cli
from hotmig.cli.output import noting
from hotmig.phases.progress import Progress
from tests.phases.files import OLD, old_database
from tests.phases.shops import told_behind_the_run

MODULE = """from typing import Annotated

from hotmig.schema import Key, Was, auto, table

database = "shop"

@table
class Item:
    id: Annotated[int, Key] = auto()
    title: Annotated[str | None, Was("name")] = None
"""


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("copying", 1200, 3000, "item"), "copying: 1,200 of 3,000 rows, at item\n"),
        (Progress("copying", 3001, 3000, "item"), "copying: 3,001 rows, at item\n"),  # written since they were counted
        (Progress("proving", 5, None, "item"), "proving: 5 rows, at item\n"),
        (Progress("replaying", 1), "replaying: 1 row\n"),
    ],
)
def test_a_line_says_the_stage_and_how_far_it_is(
    progress: Progress, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    noting(0)(progress)
    assert capsys.readouterr() == ("", line)


def test_what_is_done_soon_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    report = noting(3600)
    for done in range(1000):
        report(Progress("copying", done))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "told"),
    [((), "copying: 2 of 2 rows, at item\n"), (("--quiet",), ""), (("--json",), "")],
    ids=["plain", "quiet", "json"],
)
def test_long_work_is_noted_on_stderr(
    options: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = sqlite3.connect(old_database(tmp_path / OLD))
    db.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    db.commit()
    db.close()
    (tmp_path / "schema.py").write_text(MODULE)
    monkeypatch.setattr("hotmig.cli.output.NOTE_SECONDS", 0.0)
    done = CliRunner().invoke(cli, ["migrate", "-d", str(tmp_path), *options])
    assert done.exit_code == 0
    assert (done.stderr if "--quiet" in options else told_behind_the_run(done.stderr)) == told
