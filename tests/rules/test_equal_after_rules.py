"""Unique keys over what the rules for several rows leave: the plan refuses what migrate would, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.sqlite import at_most
from tests.rules.project import Project

NOT_PARTED = "; Duplicates does not part them: make them distinct"

OLD = """
    CREATE TABLE acct(id INTEGER PRIMARY KEY, email TEXT, status TEXT, score INTEGER);
    INSERT INTO acct VALUES (1, 'a', 'active', 5), (2, 'a', 'active', 3), (3, 'b', 'active', 1);
"""
NEW = """
@table({acct})
class Acct:
    id: Annotated[int, Key] = auto()
    email: str | None = None
    status: str | None = None
    score: int | None = None
{more}
"""
DROP = 'duplicates=Duplicates(key="email", compare="score", prefer="score DESC")'
KEEP = DROP.replace('DESC"', 'DESC", losers={"status": "\'superseded\'"}')


def begin(tmp_path: Path, acct: str, more: str = "", *writes: str) -> Project:
    project = Project.begin(tmp_path, OLD, NEW.replace("{acct}", acct).replace("{more}", more))
    project.write(*writes)
    return project


@pytest.mark.parametrize(
    ("rule", "unique", "kept"),
    [
        (KEEP, """indexes=[Index("email", unique=True, where="status = 'active'")]""", [1, 2, 3]),
        (DROP, """indexes=[Index("email", unique=True, where="status = 'active'")]""", [1, 3]),
        (DROP, 'indexes=[Index("lower(email)", unique=True, name="u")]', [1, 3]),
        (DROP, 'indexes=[Index("score % 2", "lower(email)", unique=True, where="score > 0", name="u")]', [1, 3]),
        (DROP, 'unique=[("email", "status")]', [1, 3]),
    ],
)
def test_what_a_rule_resolves_does_not_block(tmp_path: Path, rule: str, unique: str, kept: list[int]) -> None:
    project = begin(tmp_path, f"{rule}, {unique}")
    project.plan()
    project.through()
    assert project.new("SELECT id FROM acct ORDER BY id") == [(key,) for key in kept]


@pytest.mark.parametrize(
    ("rule", "unique", "message"),
    [
        (
            KEEP, """indexes=[Index("email", unique=True, where="status <> 'gone'", name="u")]""",
            "2 rows of acct would be equal under the unique index u: 'a'" + NOT_PARTED,
        ),
        (
            DROP, 'indexes=[Index("upper(status)", unique=True, where="score > 0", name="u")]',
            "2 rows of acct would be equal under the unique index u: 'ACTIVE'" + NOT_PARTED,
        ),
    ],
)  # fmt: skip
def test_what_a_rule_leaves_equal_blocks(tmp_path: Path, rule: str, unique: str, message: str) -> None:
    project = begin(tmp_path, f"{rule}, {unique}")
    found = project.plan(1)["findings"]
    blocking = [each for each in found if each["severity"] == "block"]
    assert [(each["check"], each["message"]) for each in blocking] == [("equal-after-merge", message)]
    assert blocking[0]["fix"] is None  # no Duplicates goes by an index of that kind


def test_a_column_that_its_default_fills_is_compared(tmp_path: Path) -> None:
    project = begin(tmp_path, f'{DROP}, unique=[("code",)]', "    code: str = 'new'")
    assert project.messages("equal-after-merge", code=1) == [
        "2 rows of acct would be equal under the unique code: 'new'; Duplicates does not part them: make them distinct"
    ]


def test_a_default_of_null_is_distinct(tmp_path: Path) -> None:
    project = begin(tmp_path, f'{DROP}, unique=[("code",)]', "    code: str | None = None")
    project.plan()
    project.through()


def test_the_same_columns_under_another_collation_are_compared(tmp_path: Path) -> None:
    unique = 'unique=[("email",)], indexes=[Index("email COLLATE NOCASE", unique=True, name="u")]'
    project = begin(tmp_path, f"{DROP}, {unique}", "", "INSERT INTO acct VALUES (4, 'A', 'active', 9)")
    (message,) = project.messages("equal-after-merge", code=1)
    assert message.startswith("2 rows of acct would be equal under the unique index ")


def test_a_unique_index_over_what_follows_a_merge_is_judged_by_what_it_follows(tmp_path: Path) -> None:
    old = """CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO topic VALUES (1, 'sun'), (2, 'sol');
        CREATE TABLE fact(id INTEGER PRIMARY KEY, topic_id INTEGER REFERENCES topic(id), slot TEXT);
        INSERT INTO fact VALUES (1, 1, 'a'), (2, 2, 'a'), (3, 2, 'b');"""
    module = """
@table(merge=Merge(by="name", mapping={"sol": "sun"}))
class Topic:
    id: Annotated[int, Key] = auto()
    name: str | None = None
@table(indexes=[
    Index("topic_id", "slot", unique=True, where="slot <> 'WHERE'", name="u"), Index(EXPR, unique=True, name="e"),
])
class Fact:
    id: Annotated[int, Key] = auto()
    topic: Annotated[Topic | None, References()] = None
    slot: str | None = None
"""
    distinct = module.replace("EXPR", '"topic_id * 10 + id"')
    project = Project.begin(tmp_path, old, distinct.replace("WHERE", "z"))
    (message,) = project.messages("equal-after-merge", code=1)
    assert message.startswith("2 rows of fact would be equal under the unique index u: (")
    project.change(distinct.replace("WHERE", "a"))
    project.plan()
    project.change(module.replace("WHERE", "a").replace("EXPR", '"topic_id || slot"'))
    (message,) = project.messages("equal-after-merge", code=1)
    assert message.endswith(": '1a'; Duplicates goes by columns of all rows: make them distinct")


def test_what_takes_too_long_is_said_to_be_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = begin(tmp_path, f'{DROP}, unique=[("status",)]')
    assert project.plan(1)
    project.write("PRAGMA journal_mode = DELETE")
    monkeypatch.setattr("hotmig.transfer.judged.court.at_most", lambda db, seconds: at_most(db, seconds and -1.0))
    monkeypatch.setattr("hotmig.sqlite.STEPS_BETWEEN_LOOKS", 1)
    (message,) = project.messages("unjudged")
    assert message.startswith("did not look to the end whether rows of acct would be equal under the unique status: ")
    assert project.run("plan", "--long-reads", code=1)
