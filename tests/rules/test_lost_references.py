"""References by a column that is no key, when the row that they lead to becomes one with another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.project import Project

OLD = """
    CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, code TEXT UNIQUE);
    INSERT INTO t VALUES (1, 'sun', NULL), (2, 'sol', 'd'), (3, 'star', 'e'), (4, 'luna', 'f');
    CREATE TABLE kid(id INTEGER PRIMARY KEY, code TEXT REFERENCES t(code) ON DELETE CASCADE);
    CREATE INDEX kid_code ON kid(code);
    INSERT INTO kid VALUES (2, 'd'), (3, 'e'), (4, NULL), (5, 'f');
"""
NEW = """
@table(merge=Merge(by="name", mapping={mapping}{more}))
class T:
    id: Annotated[int, Key] = auto()
    name: str | None = None
    code: Annotated[str | None, Unique] = None
@table
class Kid:
    id: Annotated[int, Key] = auto()
    code: Annotated[str | None, References(T, "code", on_delete="CASCADE"{orphans}), Index] = None
"""
TOLD = (
    "1 row of kid refers by code to a row of t that becomes one with another, which can't be referred to by its code:"
)


def begin(tmp_path: Path, mapping: str, more: str = "", orphans: str = "") -> Project:
    module = NEW.replace("{mapping}", mapping).replace("{more}", more).replace("{orphans}", orphans)
    return Project.begin(tmp_path, OLD, module)


@pytest.mark.parametrize(
    ("mapping", "more", "rows"),
    [
        ('{"sol": "sun"}', "", "id 2 (to t id 1)"),
        ('{"luna": "moon"}', ', create={"id": "abs(random())"}', "id 5 (to a row of t that is made)"),
    ],
)
def test_a_winner_without_the_value_blocks(tmp_path: Path, mapping: str, more: str, rows: str) -> None:
    project = begin(tmp_path, mapping, more)
    assert project.messages("lost-reference", code=1) == [f"{TOLD} {rows}"]


def test_a_winner_with_a_value_does_not_block(tmp_path: Path) -> None:
    project = begin(tmp_path, '{"sol": "sun"}')
    project.write("UPDATE t SET code = 'one' WHERE id = 1")
    project.plan()
    project.through()
    assert project.new("SELECT * FROM kid") == [(2, "one"), (3, "e"), (4, None), (5, "f")]


def test_where_orphans_become_null_it_is_a_warning(tmp_path: Path) -> None:
    project = begin(tmp_path, '{"sol": "sun"}', "", ', orphans="null"')
    assert project.messages("lost-reference") == [f"{TOLD} id 2 (to t id 1); it becomes NULL, as declared"]
    project.through()
    assert project.new("SELECT * FROM kid") == [(2, None), (3, "e"), (4, None), (5, "f")]
