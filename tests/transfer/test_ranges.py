"""A walk ends with the row that was last when it began, however fast rows are appended."""

from __future__ import annotations

import pytest

from hotmig.sqlite import connect, execute, value
from hotmig.transfer.ranges import KeyRange


@pytest.mark.parametrize("columns", [("id",), ("kind", "id")])
def test_rows_that_are_appended_do_not_put_off_the_end(tmp_path: object, columns: tuple[str, ...]) -> None:
    db = connect(f"{tmp_path}/walk.sqlite", "rwc")
    execute(db, "CREATE TABLE t(kind TEXT NOT NULL, id INTEGER NOT NULL)")
    execute(db, f"CREATE UNIQUE INDEX u ON t({', '.join(columns)})")
    for number in range(10):
        execute(db, "INSERT INTO t VALUES ('a', ?)", (number,))
    bounds = KeyRange(db, "main.t", columns)
    bounds.begin()
    walked: list[int] = []
    more, appended = True, 10
    while more:
        more = bounds.extend(3)
        walked += [row[0] for row in execute(db, f"SELECT id FROM t WHERE {bounds.where(columns)} ORDER BY id")]
        for _ in range(5):
            execute(db, "INSERT INTO t VALUES ('a', ?)", (appended,))
            appended += 1
        bounds.advance()
    assert walked == list(range(10))
    assert value(db, "SELECT count(*) FROM t") > 10


def test_an_empty_table_is_walked_at_once(tmp_path: object) -> None:
    db = connect(f"{tmp_path}/walk.sqlite", "rwc")
    execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY)")
    bounds = KeyRange(db, "main.t", ("id",))
    bounds.begin()
    assert not bounds.extend(3)
    assert execute(db, f"SELECT id FROM t WHERE {bounds.where(('id',))}").fetchall() == []
