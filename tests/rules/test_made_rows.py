"""What create= makes is held against the new table before anything is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.project import Project

OLD = """
    CREATE TABLE owner(id INTEGER PRIMARY KEY, code TEXT, name TEXT);
    INSERT INTO owner VALUES (1, 'a', 'one'), (2, 'b', 'two');
    CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, code TEXT, n INTEGER, owner_id INTEGER
        REFERENCES owner(id));
    INSERT INTO t VALUES (1, 'sol', 'c', 1, 1), (2, 'luna', 'd', 2, 1), (3, 'star', 'e', 3, 1),
        (4, 'STELLA', 'E2', 4, 2);
    CREATE TABLE kid(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id));
    CREATE INDEX kid_t ON kid(t_id);
    INSERT INTO kid VALUES (1, 1), (2, 1);
"""
NEW = """
@table({owner})
class Owner:
    id: Annotated[int, Key] = auto()
    code: str | None = None
    name: str | None = None
@table(merge=Merge(by="name", mapping={"sol": "sun", "luna": "moon"}, create={create}){more})
class T:
    id: Annotated[int, Key] = auto()
    name: Annotated[str | None, Unique] = None
    code: Annotated[str | None, Collate("NOCASE")] = None
    n: Annotated[int | None, Check("n > 0")] = None
    owner: Annotated[Owner | None, References()] = None
@table
class Kid:
    id: Annotated[int, Key] = auto()
    t: Annotated[T | None, References(), Index] = None
"""


def begin(tmp_path: Path, create: str, more: str = "", owner: str = "", *, wal: bool = True) -> Project:
    module = NEW.replace("{create}", create).replace("{more}", more).replace("{owner}", owner)
    return Project.begin(tmp_path, OLD, module, wal=wal)


REFUSED = {
    "one key": (
        '{"id": "99"}', "", "1 row that create= makes does not fit into t: UNIQUE constraint failed: t.id: 'sun'",
    ),
    "key of a row that stays": (
        '{"id": "3"}', "",
        "2 rows that create= makes have the id of an old row: 'moon': id 3; 'sun': id 3",
    ),
    "key of a row that goes": (
        '{"id": "1 + (abs(random()) % 2)"}', "",
        "2 rows that create= makes have the id of an old row: ",
    ),
    "unique": (
        '{"id": "abs(random())", "code": "\'E\'"}', ', unique=[("code", "name")], indexes=[Index("code", unique=True)]',
        "1 row that create= makes is equal to an old row under the unique index ix_t_code: 'moon': id 3",
    ),
    "unique expression": (
        '{"id": "abs(random())", "n": "random() & 255 | 256", "code": "\'x2\'"}',
        ', indexes=[Index("substr(code, 2) || name", unique=True, where="n > 0", name="u"), '
        'Index("substr(code, 2)", "n < 5 or name = \'sun\'", unique=True, where="name <> \'moon\'", name="v")]',
        "1 row that create= makes is equal to an old row under the unique index v: 'sun': id 4",
    ),
    "check": (
        '{"id": "abs(random())", "n": "-5"}', "",
        "2 rows that create= makes do not fit into t: CHECK constraint failed: n > 0: 'moon'; 'sun'",
    ),
    "no integer": (
        '{"id": "\'abc\'"}', "", "2 rows that create= makes do not fit into t: datatype mismatch: 'moon'; 'sun'",
    ),
    "strict": (
        '{"id": "abs(random())", "n": "\'x\'"}', ", strict=True",
        "2 rows that create= makes do not fit into t: cannot store TEXT value in INTEGER column t.n: 'moon'; 'sun'",
    ),
    "no key": ('{"id": "nullif(1, 1)"}', "", "2 rows that create= makes have no id, which is its key: 'moon'; 'sun'"),
    "no parent": (
        '{"id": "abs(random())", "owner_id": "77"}', "",
        "2 rows that create= makes refer by owner_id to no row of owner: 'moon'; 'sun'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wal", [True, False])
@pytest.mark.parametrize(("create", "more", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_made_row_that_does_not_fit_blocks(tmp_path: Path, create: str, more: str, message: str, wal: bool) -> None:
    project = begin(tmp_path, create, more, wal=wal)
    result = project.plan(1)
    found = [each for each in result["findings"] if each["check"] == "made-row"]
    assert message in [each["message"][: len(message)] for each in found]
    assert found[0]["fix"] == 'Merge(…, create={"column": "SQL"})'


def test_made_rows_that_fit_do_not_block(tmp_path: Path) -> None:
    create = '{"id": "abs(random())", "n": "7", "owner_id": "2", "code": "lower(hex(randomblob(8)))"}'
    project = begin(tmp_path, create, ', strict=True, unique=[("code",)]')
    project.plan()
    project.through()
    assert project.new("SELECT name, n, owner_id FROM t WHERE name IN ('sun', 'moon') ORDER BY name") == [
        ("moon", 7, 2),
        ("sun", 7, 2),
    ]


def test_a_parent_that_is_merged_away_is_none(tmp_path: Path) -> None:
    create = '{"id": "abs(random())", "owner_id": "2"}'
    owner = 'merge=Merge(by="name", mapping={"two": "one"})'
    project = begin(tmp_path, create, "", owner)
    assert project.messages("made-row", code=1) == [
        "2 rows that create= makes refer by owner_id to no row of owner: 'moon'; 'sun'"
    ]
    project.change(
        NEW.replace("{create}", create.replace('"2"', '"1"')).replace("{more}", "").replace("{owner}", owner)
    )
    project.plan()


def test_a_parent_can_be_made_or_a_seed(tmp_path: Path) -> None:
    create = '{"id": "abs(random())", "owner_id": "50"}'
    made = 'merge=Merge(by="name", mapping={"two": "zwei"}, create={"id": "50"})'
    project = begin(tmp_path, create, "", made)
    project.plan()
    seeded = NEW.replace("{create}", create).replace("{more}", "").replace("({owner})", "")
    project.change(seeded + "\nrows = [Owner(id=50, name='fifty')]\n")
    project.plan()
    project.through()
    assert project.new("SELECT count(*) FROM t WHERE owner_id = 50") == [(2,)]


def test_a_row_can_be_made_that_refers_to_itself(tmp_path: Path) -> None:
    old = "CREATE TABLE n(id TEXT NOT NULL PRIMARY KEY, up TEXT REFERENCES n(id)); INSERT INTO n VALUES ('a', 'a');"
    module = """
@table(merge=Merge(by="id", mapping={"a": "b"}, create={"up": "'UP'"}))
class N:
    id: Annotated[str, Key]
    up: Annotated[str | None, References("N", "id")] = None
"""
    project = Project.begin(tmp_path, old, module.replace("UP", "b"))
    project.plan()
    project.change(module.replace("UP", "a"))
    assert project.messages("made-row", code=1) == ["1 row that create= makes refers by up to no row of n: 'b'"]


def test_a_text_key_without_value_is_refused(tmp_path: Path) -> None:
    old = "CREATE TABLE n(id TEXT NOT NULL PRIMARY KEY, name TEXT); INSERT INTO n VALUES ('a', 'x');"
    module = """
@table(merge=Merge(by="name", mapping={"x": "y"}, create={"id": "NULL"}))
class N:
    id: Annotated[str, Key]
    name: str | None = None
"""
    project = Project.begin(tmp_path, old, module)
    assert project.messages("made-row", code=1) == ["1 row that create= makes has no id, which is its key: 'y'"]


def test_a_parent_that_goes_while_it_runs_is_missed_before_writes_are_paused(tmp_path: Path) -> None:
    project = begin(tmp_path, '{"id": "abs(random())", "owner_id": "2"}')
    project.write("UPDATE t SET owner_id = 1")
    project.run("migrate")
    project.write("DELETE FROM owner WHERE id = 2")
    refused = project.run("drain", code=3)
    assert 'a row that Merge makes for table "t" refers by owner_id to no row of "owner": 2' in refused.stderr
    project.write("INSERT INTO owner(id) VALUES (2)")
    project.run("drain", "--cutover")
    assert project.new("PRAGMA foreign_key_check") == []
