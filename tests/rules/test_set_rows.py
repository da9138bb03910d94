"""What touch= and losers= set is held against the new table before anything is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.project import Project

OLD = """
    CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'sun'), (2, 'sol'), (3, 'star');
    CREATE TABLE kid(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id), ts INTEGER);
    CREATE INDEX kid_t ON kid(t_id);
    INSERT INTO kid VALUES (1, 1, 1), (2, 2, 2), (3, 2, 3), (4, 3, 4);
"""
NEW = """
@table(merge=Merge(by="name", mapping={"sol": "sun"}, touch={touch}))
class T:
    id: Annotated[int, Key] = auto()
    name: str | None = None
@table({kid})
class Kid:
    id: Annotated[int, Key] = auto()
    t: Annotated[T | None, References(), Index] = None
    ts: {ts}
"""
POSITIVE = 'Annotated[int | None, Check("ts > 0")] = None'
LOSERS = 'duplicates=Duplicates(key="t_id", compare=(), prefer="id", equal="keep", losers={"ts": "VALUE"})'


def begin(tmp_path: Path, touch: str, kid: str, ts: str, *writes: str) -> Project:
    old = "".join([OLD, *(f"{each};" for each in writes)])
    return Project.begin(tmp_path, old, NEW.replace("{touch}", touch).replace("{kid}", kid).replace("{ts}", ts))


REFUSED = {
    "touch NULL": (
        '{"ts": "NULL"}', "", "int", "after touch= 2 rows of kid have NULL in ts, which is NOT NULL: id 2; id 3",
    ),
    "touch CHECK": ('{"ts": "-ts"}', "", POSITIVE, "after touch= 2 rows of kid break the CHECK (ts > 0): id 2; id 3"),
    "touch CHECK of another": (
        '{"ts": "-ts"}', "",
        'int | None = None\n    d: Annotated[int | None, Generated("ts - 1"), Check("d >= 0")] = auto()',
        "after touch= 2 rows of kid break the CHECK (d >= 0): id 2; id 3",
    ),
    "losers NULL": (
        "{}", LOSERS.replace("VALUE", "NULL"), "int",
        "after losers= 2 rows of kid have NULL in ts, which is NOT NULL: id 2; id 3",
    ),
    "losers CHECK": (
        "{}", LOSERS.replace("VALUE", "-1"), POSITIVE,
        "after losers= 2 rows of kid break the CHECK (ts > 0): id 2; id 3",
    ),
    "losers STRICT": (
        '{"ts": "9"}', LOSERS.replace("VALUE", "'x'") + ", strict=True", "int",
        "after touch= and losers= 2 rows of kid have in ts what cannot be stored as integer: id 2; id 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("touch", "kid", "ts", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_rule_sets_and_does_not_fit_blocks(tmp_path: Path, touch: str, kid: str, ts: str, message: str) -> None:
    project = begin(tmp_path, touch, kid, ts)
    found = [each for each in project.plan(1)["findings"] if each["severity"] == "block"]
    assert [(each["check"], each["message"]) for each in found] == [("set-column", message)]


def test_what_a_rule_mends_does_not_block(tmp_path: Path) -> None:
    writes = "UPDATE kid SET ts = NULL WHERE id = 2", "UPDATE kid SET ts = 'x' WHERE id = 3"
    for kid in ("", "strict=True"):
        directory = tmp_path / f"kid{len(kid)}"
        directory.mkdir()
        project = begin(directory, '{"ts": "7"}', kid, 'Annotated[int, Check("ts > 0 and ts < 8")]', *writes)
        project.plan()
        project.through()
        assert project.new("SELECT id, ts FROM kid") == [(1, 1), (2, 7), (3, 7), (4, 4)]


def test_what_no_rule_mends_blocks(tmp_path: Path) -> None:
    writes = ["UPDATE kid SET ts = NULL WHERE id = 1"]
    project = begin(tmp_path, '{"ts": "7"}', "", "int", *writes)
    assert project.messages("set-column", code=1) == [
        "after touch= 1 row of kid has NULL in ts, which is NOT NULL: id 1"
    ]


def test_touch_by_a_column_that_is_not_there_blocks(tmp_path: Path) -> None:
    project = begin(tmp_path, '{"ts": "nope + 1"}', "", "int | None = None")
    (message,) = project.messages("group-sql", code=1)
    assert message.endswith("no such column: nope")


@pytest.mark.parametrize("sql", ["CURRENT_TIMESTAMP", "datetime('now')", "7", "ts + 1"])
def test_touch_by_the_time_is_taken(tmp_path: Path, sql: str) -> None:
    begin(tmp_path, f'{{"ts": "{sql}"}}', "", "str | None = None").plan()
