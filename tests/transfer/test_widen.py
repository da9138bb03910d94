"""A logged parent makes its children count as logged, exactly where their new value follows more than its key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hotmig.sqlite import execute
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.transfer.building import Case, rules, schema

MARK = "INSERT INTO _migration_log(operation, table_name) VALUES ('table', '{}')"

# The child names a column of its parent that is not its key.
BY_CODE = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE COLLATE NOCASE, note TEXT)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, country TEXT REFERENCES country(code))",
    "INSERT INTO country VALUES (10, 'de', ''), (20, 'fr', ''), (30, 'it', '')",
    "INSERT INTO city VALUES (1, 'DE'), (2, 'fr'), (3, 'it'), (4, NULL), (5, 'de')",
]
BY_ID = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE COLLATE NOCASE, note TEXT)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, country_id INTEGER REFERENCES country(id))",
]
# The same, where the new parent has not even that column any more.
FORGOTTEN = [sql.replace(" code TEXT NOT NULL UNIQUE COLLATE NOCASE,", "") for sql in BY_ID]
# The child names the parent's key, which is a text of any case and becomes a number.
BY_NAME = [
    "CREATE TABLE tag(name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, note TEXT)",
    "CREATE TABLE post(id INTEGER PRIMARY KEY, tag TEXT REFERENCES tag(name))",
    "INSERT INTO tag VALUES ('red', ''), ('blue', '')",
    "INSERT INTO post VALUES (1, 'red'), (2, 'RED'), (3, 'blue'), (4, NULL)",
]
BY_NUMBER = [
    "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT)",
    "CREATE TABLE post(id INTEGER PRIMARY KEY, tag_id INTEGER REFERENCES tag(id))",
]


def countries(directory: Path, orphans: str = "refuse", new: Sequence[str] = BY_ID) -> Case:
    return ready(directory, BY_CODE, new, "city", {"country_id": {"was": "country", "orphans": orphans}})


def tags(directory: Path, orphans: str = "refuse", old: Sequence[str] = BY_NAME) -> Case:
    return ready(directory, old, BY_NUMBER, "post", {"tag_id": {"was": "tag", "orphans": orphans}})


def ready(directory: Path, old: Sequence[str], new: Sequence[str], table: str, said: dict[str, dict[str, str]]) -> Case:
    """A new database that is up to date."""
    case = Case(directory, old, schema(new, [rules(table, **said)]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        prove(session, lambda *_: None)
    return case


def logged(session: Session, keys: LoggedKeys) -> dict[str, list[object] | str]:
    """What counts as logged in each table; tables of which nothing does are left out."""
    with session.snapshot():
        keys.load()
    found: dict[str, list[object] | str] = {}
    for step in session.steps:
        if step.step.number in keys.whole:
            found[step.source_key.table] = "whole"
        elif not keys.is_empty(step):
            found[step.source_key.table] = sorted(row[0] for row in execute(session.db, f"SELECT * FROM {step.keys}"))
    return found


def widened(case: Case, *writes: str) -> dict[str, list[object] | str]:
    with case.session() as session:
        keys = LoggedKeys(session, session.last_log_id())
        case.write("BEGIN", *writes, "COMMIT")
        return logged(session, keys)


@pytest.mark.parametrize("new", [BY_ID, FORGOTTEN], ids=["kept", "forgotten"])
@pytest.mark.parametrize("orphans", ["refuse", "null"])
@pytest.mark.parametrize(
    ("writes", "found"),
    [
        (["UPDATE country SET note = 'n' WHERE id = 10"], {"country": [10], "city": [1, 5]}),
        (["INSERT INTO country VALUES (40, 'xx', '')"], {"country": [40]}),
        (["UPDATE city SET country = 'it' WHERE id = 4"], {"city": [4]}),
        ([MARK.format("country")], {"country": "whole", "city": "whole"}),
        ([MARK.format("city")], {"city": "whole"}),
        (["UPDATE country SET note = 'n' WHERE id = 10", MARK.format("city")], {"country": [10], "city": "whole"}),
        (
            ["UPDATE country SET note = 'n' WHERE id = 10", MARK.format("country")],
            {"country": "whole", "city": "whole"},
        ),
    ],
    ids=["its row", "a row that comes", "a child", "parent's mark", "child's mark", "row, child's mark", "row, mark"],
)
def test_children_of_a_column_that_is_not_the_key(
    tmp_path: Path, new: Sequence[str], orphans: str, writes: list[str], found: dict[str, list[object] | str]
) -> None:
    assert widened(countries(tmp_path, orphans, new), *writes) == found


@pytest.mark.parametrize("new", [BY_ID, [BY_ID[0].replace(" COLLATE NOCASE", ""), BY_ID[1]]], ids=["nocase", "binary"])
@pytest.mark.parametrize("orphans", ["refuse", "null"])
@pytest.mark.parametrize(
    ("writes", "cities"),
    [
        (["UPDATE country SET code = 'xx' WHERE id = 20"], [2]),
        (["UPDATE country SET code = 'xx' WHERE id = 20", "UPDATE country SET code = 'FR' WHERE id = 30"], [2, 3]),
        (["UPDATE country SET code = 'yy' WHERE id = 10"], [1, 5]),
        (["DELETE FROM country WHERE id = 10"], [1, 5]),
    ],
    ids=["its name goes", "its name comes", "its name goes, in any case", "gone"],
)
def test_children_by_the_name_that_their_parent_had(
    tmp_path: Path, new: Sequence[str], orphans: str, writes: list[str], cities: list[object]
) -> None:
    """Without foreign keys an application leaves them behind."""
    assert widened(countries(tmp_path, orphans, new), *writes)["city"] == cities


@pytest.mark.parametrize(
    "write",
    ["DELETE FROM country WHERE id = 10", "UPDATE country SET code = 'xx' WHERE id = 10"],
    ids=["gone", "renamed"],
)
def test_where_nobody_knows_what_a_parent_was_called_those_count_that_lead_to_it(tmp_path: Path, write: str) -> None:
    assert widened(countries(tmp_path, "null", FORGOTTEN), write)["city"] == [1, 5]


@pytest.mark.parametrize("orphans", ["refuse", "null"])
@pytest.mark.parametrize(
    ("writes", "found"),
    [
        (["UPDATE tag SET name = 'Red' WHERE name = 'red'"], {"tag": ["Red", "red"], "post": [1, 2]}),
        (["UPDATE tag SET note = 'n' WHERE name = 'blue'"], {"tag": ["blue"], "post": [3]}),
        (["DELETE FROM tag WHERE name = 'red'"], {"tag": ["red"], "post": [1, 2]}),
        (["INSERT INTO tag VALUES ('green', '')"], {"tag": ["green"]}),
        ([MARK.format("tag")], {"tag": "whole", "post": "whole"}),
    ],
    ids=["respelled", "changed", "gone", "come", "mark"],
)
def test_children_of_a_key_of_any_case(
    tmp_path: Path, orphans: str, writes: list[str], found: dict[str, list[object] | str]
) -> None:
    assert widened(tags(tmp_path, orphans), *writes) == found


def test_children_that_follow_the_key_alone_are_left_alone(tmp_path: Path) -> None:
    exact = [sql.replace(" COLLATE NOCASE", "").replace("'RED'", "'red'") for sql in BY_NAME]
    case = tags(tmp_path, old=exact)
    assert widened(case, "UPDATE tag SET note = 'n'") == {"tag": ["blue", "red"]}
    assert widened(case, MARK.format("tag")) == {"tag": "whole"}


def test_but_with_orphans_they_may_lose_their_parent_and_find_it_again(tmp_path: Path) -> None:
    exact = [sql.replace(" COLLATE NOCASE", "").replace("'RED'", "'red'") for sql in BY_NAME]
    case = tags(tmp_path, "null", exact)
    posts = "SELECT post.id, tag.name FROM post LEFT JOIN tag ON tag.id = tag_id ORDER BY 1"
    for writes, names in (
        (["DELETE FROM tag WHERE name = 'red'"], [None, None, "blue", None]),
        (["INSERT INTO tag VALUES ('red', 'again')"], ["red", "red", "blue", None]),
        (["UPDATE tag SET name = 'x' WHERE name = 'red'"], [None, None, "blue", None]),
        (["UPDATE tag SET name = 'red' WHERE name = 'blue'"], ["red", "red", None, None]),
    ):
        carried(case, *writes)
        assert case.new_rows(posts) == list(enumerate(names, 1))


def carried(case: Case, *writes: str) -> None:
    """Replays as under the fence: only what counts as logged is looked at. The proof looks at all."""
    case.write("BEGIN", *writes, "COMMIT")
    with case.session() as session:
        replay(session, finish=True)
        prove(session, lambda *_: None)


@pytest.mark.parametrize("orphans", ["refuse", "null"])
def test_a_key_is_respelled_and_its_children_stay(tmp_path: Path, orphans: str) -> None:
    case = tags(tmp_path, orphans)
    posts = "SELECT post.id, tag.name FROM post LEFT JOIN tag ON tag.id = tag_id ORDER BY 1"
    for name in ("Red", "RED", "red"):
        carried(case, f"UPDATE tag SET name = '{name}' WHERE name = 'red'")
        assert case.new_rows(posts) == [(1, name), (2, name), (3, "blue"), (4, None)]


@pytest.mark.parametrize("new", [BY_ID, FORGOTTEN], ids=["kept", "forgotten"])
def test_the_referred_column_moves_to_another_parent_and_back(tmp_path: Path, new: Sequence[str]) -> None:
    case = countries(tmp_path, "null", new)
    cities = "SELECT country_id FROM city ORDER BY id"
    for writes, found in (
        (["UPDATE country SET code = 'x' WHERE id = 10"], [None, 20, 30, None, None]),
        (["UPDATE country SET code = 'DE' WHERE id = 30"], [30, 20, None, None, 30]),
        (["UPDATE country SET code = 'it' WHERE id = 10"], [30, 20, 10, None, 30]),
        (["DELETE FROM country WHERE id = 30"], [None, 20, 10, None, None]),
        (["INSERT INTO country VALUES (30, 'de', '')"], [30, 20, 10, None, 30]),
    ):
        carried(case, *writes)
        assert [row[0] for row in case.new_rows(cities)] == found


# Each table is named by the one behind it: the new key of a state is its country's, with its own number.
CHAIN = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)",
    "CREATE TABLE state(code TEXT NOT NULL UNIQUE, country TEXT NOT NULL REFERENCES country(code),"
    " n INTEGER PRIMARY KEY)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, state TEXT NOT NULL REFERENCES state(code))",
    "INSERT INTO country VALUES (1, 'de'), (2, 'fr')",
    "INSERT INTO state VALUES ('by', 'de', 10), ('bw', 'de', 11), ('idf', 'fr', 12)",
    "INSERT INTO city VALUES (100, 'by'), (101, 'bw'), (102, 'idf')",
]
LINKED = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL)",
    "CREATE TABLE state(code TEXT NOT NULL, country_id INTEGER NOT NULL REFERENCES country(id), n INTEGER NOT NULL,"
    " PRIMARY KEY (country_id, n))",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, country_id INTEGER NOT NULL, state_n INTEGER NOT NULL,"
    " FOREIGN KEY (country_id, state_n) REFERENCES state(country_id, n))",
]


def chain(directory: Path) -> Case:
    said = [
        rules("state", country_id={"was": "country"}),
        rules("city", country_id={"was": "state"}, state_n={"was": "state"}),
    ]
    case = Case(directory, CHAIN, schema(LINKED, said))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        prove(session, lambda *_: None)
    return case


def test_grandchildren_count_too(tmp_path: Path) -> None:
    case = chain(tmp_path)
    swapped = (
        "UPDATE country SET code = 'x' WHERE id = 1",
        "UPDATE country SET code = 'de' WHERE id = 2",
        "UPDATE country SET code = 'fr' WHERE id = 1",
    )
    found = widened(case, *swapped)
    assert found == {"country": [1, 2], "state": [10, 11, 12], "city": [100, 101, 102]}
    assert widened(case, MARK.format("country")) == {"country": "whole", "state": "whole", "city": "whole"}
    carried(case, "UPDATE country SET id = id WHERE id = 1")
    assert case.new_rows("SELECT * FROM city ORDER BY id") == [(100, 2, 10), (101, 2, 11), (102, 1, 12)]


def test_a_tree_is_followed_down_to_its_leaves(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE node(name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, parent TEXT REFERENCES node(name))",
        "INSERT INTO node VALUES ('d', 'c'), ('c', 'B'), ('b', 'a'), ('a', NULL), ('x', NULL)",
    ]
    new = ["CREATE TABLE node(id INTEGER PRIMARY KEY, name TEXT NOT NULL, parent_id INTEGER REFERENCES node(id))"]
    case = ready(tmp_path, old, new, "node", {"parent_id": {"was": "parent"}})
    assert widened(case, "UPDATE node SET parent = 'x' WHERE name = 'a'") == {"node": ["a", "b", "c", "d"]}
    carried(case, "UPDATE node SET name = 'Q' WHERE name = 'x'", "UPDATE node SET parent = 'q' WHERE name = 'a'")


def test_only_children_of_the_latest_keys_are_looked_for(tmp_path: Path) -> None:
    """Those of the keys before are in the collection, and one that came since is logged itself."""
    case = countries(tmp_path)
    with case.session() as session:
        keys = LoggedKeys(session, session.last_log_id())
        case.write("UPDATE country SET note = 'n' WHERE id = 10")
        assert logged(session, keys) == {"country": [10], "city": [1, 5]}
        case.write("UPDATE country SET note = 'n' WHERE id = 20", "INSERT INTO city VALUES (6, 'de')")
        assert logged(session, keys) == {"country": [10, 20], "city": [1, 2, 5, 6]}
        latest = {
            step.source_key.table: execute(session.db, f"SELECT * FROM {step.latest}").fetchall()
            for step in session.steps
        }
        assert latest == {"country": [(20,)], "city": [(2,), (6,)]}
