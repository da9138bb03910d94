"""An adopt_marks() that names what the old database does not have."""

from __future__ import annotations

import pytest

from hotmig.planning.checking import Facts
from tests.planning.checks.building import CLIENT, TWO, client
from tests.planning.planned import planned

OLD = f"{CLIENT}; {TWO}; CREATE TABLE schema_migrations(name TEXT PRIMARY KEY, applied_at_utc TEXT)"
MIGRATION = '\n@data_migration("001_x")\ndef x(db): pass\ndropped("schema_migrations")\n'
NAME, APPLIED = 'name="name"', 'applied="applied_at_utc"'
NO_TABLE = (
    'adopt_marks() names the table "schema_migration", which the old database does not have: what the earlier tool'
    " applied would be run again; correct the name, or take adopt_marks() away"
)


def line(table: str = "schema_migrations", name: str = NAME, applied: str = APPLIED) -> str:
    return f'adopt_marks("{table}", {name}, {applied})'


def told(adopts: str, old: str = OLD, more: str = MIGRATION, **facts: bool) -> list[tuple[str, str, str | None]]:
    return planned(old, client() + more + adopts, facts=Facts(**facts)).of("adopt-marks")


def test_what_is_there_is_not_mentioned() -> None:
    assert told(line()) == []
    assert told(line("SCHEMA_migrations", 'name="NAME"')) == []


def test_a_view_and_a_generated_column_are_there_too() -> None:
    old = (
        f"{CLIENT}; {TWO}; CREATE TABLE base(n TEXT, at TEXT GENERATED ALWAYS AS (n || '!'));"
        "CREATE VIEW done AS SELECT n, at FROM base"
    )
    more = f'{MIGRATION}dropped("base")\n'
    assert told('adopt_marks("base", name="n", applied="at")', old, more) == []
    assert told('adopt_marks("done", name="n", applied="at")', old, more) == []


def test_a_table_that_is_not_there() -> None:
    assert told(line("schema_migration")) == [("block", NO_TABLE, line())]
    message = NO_TABLE.replace("schema_migration", "flyway")
    assert told(line("flyway")) == [("block", message, None)]


@pytest.mark.parametrize(
    ("name", "applied", "missing"),
    [('name="nmae"', APPLIED, "nmae (name=)"), (NAME, 'applied="applied_at"', "applied_at (applied=)")],
)
@pytest.mark.parametrize("has_marks", [False, True], ids=["first", "later"])
def test_a_column_that_is_not_there(name: str, applied: str, missing: str, has_marks: bool) -> None:
    message = (
        f"adopt_marks() names the column {missing}, which schema_migrations does not have: what the earlier tool"
        " applied would be run again; its columns are name, applied_at_utc"
    )
    assert told(line(name=name, applied=applied), has_marks=has_marks) == [("block", message, line())]


def test_a_table_that_is_gone_since_its_marks_were_taken_over_is_only_noted() -> None:
    message = (
        'adopt_marks() names the table "gone", which the old database does not have: a spelling mistake, or given up by'
        " an earlier migration"
    )
    assert told(line("gone"), has_marks=True) == [("note", message, None)]


def test_where_nothing_could_be_run_again_a_missing_table_blocks_nothing() -> None:
    assert told(line("schema_migration"), f"{CLIENT}; CREATE TABLE empty(x)") == []
    assert told(line("schema_migration"), more='dropped("schema_migrations")\n') == []
