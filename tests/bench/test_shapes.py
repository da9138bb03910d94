"""The benchmark's data: every shape can be made and changed, and the plan takes each change for what it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hotmig.bench import module
from hotmig.bench.changes import CHANGES
from hotmig.bench.shapes import SHAPES, create, row_counts
from hotmig.phases.locate import locate
from hotmig.phases.plan import PlanResult, plan

ROWS = 900
KINDS = [(shape, change) for shape in SHAPES for change in CHANGES if CHANGES[change].apply(SHAPES[shape]())]


def planned(directory: Path, shape: str, change: str) -> PlanResult:
    old = SHAPES[shape]()
    create(directory / module.OLD_FILE, old, ROWS)
    text = module.schema_module(CHANGES[change].apply(old) or old, with_view=CHANGES[change].view)
    (directory / "schema.py").write_text(text, encoding="utf-8")
    return plan(locate(directory, None))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_the_rows_that_were_asked_for_and_none_without_parent(shape: str, tmp_path: Path) -> None:
    counts = create(tmp_path / "made.sqlite", SHAPES[shape](), ROWS)
    assert counts == row_counts(SHAPES[shape](), ROWS)
    assert abs(sum(counts.values()) - ROWS) < ROWS // 100 + len(counts)
    with closing(sqlite3.connect(tmp_path / "made.sqlite")) as db:
        found = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in counts}
        assert found == counts
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize(("shape", "change"), KINDS)
def test_the_plan_can_be_run(shape: str, change: str, tmp_path: Path) -> None:
    result = planned(tmp_path, shape, change)
    assert result.runnable, [finding.message for finding in result.findings]
    assert result.plan is not None
    ways = {step.table.name: step.how for step in result.plan.steps}
    as_is = {"view": set(ways), "names": set(ways), "rebuild": set(), "keys": {"line"}}
    assert {name for name, how in ways.items() if how == "as-is"} == as_is[change]


def test_a_view_is_the_only_difference(tmp_path: Path) -> None:
    assert planned(tmp_path, "shop", "view").differences == ("view how_many added",)


def test_keys_are_mapped_where_a_text_key_goes(tmp_path: Path) -> None:
    result = planned(tmp_path, "shop", "keys")
    assert result.plan is not None
    assert [(step.table.name, step.keys) for step in result.plan.steps] == [
        ("client", "mapped"),
        ("orders", "kept"),
        ("line", "kept"),
    ]


def test_only_the_shop_has_a_text_key() -> None:
    assert [shape for shape in SHAPES if CHANGES["keys"].apply(SHAPES[shape]())] == ["shop"]
