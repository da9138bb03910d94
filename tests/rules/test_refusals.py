"""What Duplicates and Merge refuse: in the module, in the plan, and once the copy has begun."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hotmig.errors import SchemaError
from hotmig.schema.load import load
from tests.rules.project import IMPORTS, Project

TOPIC = """
    id: Annotated[int, Key] = auto()
    name: Annotated[str, Unique]
    rank: int = 0
    size: Annotated[int | None, Generated("length(name)")] = auto()
"""
MODULES = {
    "no column": ('duplicates=Duplicates(key="nme", compare=(), prefer="id")', "topic has no column nme"),
    "no key": ('duplicates=Duplicates(key=(), compare=(), prefer="id")', "Duplicates needs a key"),
    "generated": ('duplicates=Duplicates(key="size", compare=(), prefer="id")', "size is generated: it follows"),
    "no order": ('duplicates=Duplicates(key="name", compare=(), prefer="DESC")', "prefer='DESC' is no ORDER BY"),
    "two directions": (
        'duplicates=Duplicates(key="name", compare=(), prefer="rank, id DESC ASC")',
        "prefer='id DESC ASC' is no SQL expression",
    ),
    "half a direction": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id NULLS")',
        "prefer='id NULLS' is no SQL expression",
    ),
    "not row-local": (
        'duplicates=Duplicates(key="name", compare=(), prefer="(SELECT 1)")',
        "prefer='(SELECT 1)' is not row-local: ",
    ),
    "clock": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id", collide="rank > date(\'now\')")',
        "is not row-local: it depends on the time",
    ),
    "losers": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id", losers={"rnk": "1"})',
        "topic has no column rnk",
    ),
    "both": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id"), merge=Merge(by="name", mapping={"a": "b"})',
        "topic has both Duplicates and Merge",
    ),
    "key": ('duplicates=Duplicates(key=5, compare=(), prefer="id")', "key= takes a column or a list of columns, not 5"),
    "a number in the key": (
        'duplicates=Duplicates(key=("name", 5), compare=(), prefer="id")',
        "key= takes a column or a list of columns, not ('name', 5)",
    ),
    "key twice": ('duplicates=Duplicates(key=("name", "NAME"), compare=(), prefer="id")', "key= names name twice"),
    "compare": (
        'duplicates=Duplicates(key="name", compare=None, prefer="id")',
        "compare= takes a column or a list of columns, not None",
    ),
    "compare twice": (
        'duplicates=Duplicates(key="name", compare=["rank", "rank"], prefer="id")',
        "compare= names rank twice",
    ),
    "prefer": ('duplicates=Duplicates(key="name", compare=(), prefer=None)', "prefer= takes SQL, not None"),
    "prefer of nothing": ('duplicates=Duplicates(key="name", compare=(), prefer=" ")', "prefer= takes SQL, not ' '"),
    "collide": ('duplicates=Duplicates(key="name", compare=(), prefer="id", collide=1)', "collide= takes SQL, not 1"),
    "equal": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id", equal="foo")',
        'equal= takes "merge" or "keep", not \'foo\'',
    ),
    "losers of a text": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id", losers="x")',
        "losers= takes \"drop\" or a dict of columns with SQL, not 'x'",
    ),
    "losers of a number": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id", losers={"rank": 5})',
        "losers= takes \"drop\" or a dict of columns with SQL, not {'rank': 5}",
    ),
    "losers twice": (
        'duplicates=Duplicates(key="name", compare=(), prefer="id", losers={"rank": "1", "RANK": "2"})',
        "losers= names rank twice",
    ),
    "by": ('merge=Merge(by=3, mapping={"a": "b"})', "by= takes the name of a column, not 3"),
    "create": (
        'merge=Merge(by="name", mapping={"a": "b"}, create="x")',
        "create= takes a dict of columns with SQL, not 'x'",
    ),
    "create twice": (
        'merge=Merge(by="name", mapping={"a": "b"}, create={"id": "1", "ID": "1"})',
        "create= names id twice",
    ),
    "touch": (
        'merge=Merge(by="name", mapping={"a": "b"}, touch={"rank": " "})',
        "touch= takes a dict of columns with SQL, not {'rank': ' '}",
    ),
    "fold_case": (
        'merge=Merge(by="name", mapping={"a": "b"}, fold_case="yes")',
        "fold_case='yes' is neither True nor False",
    ),
    "file": (
        'merge=Merge(by="name", mapping=from_json(5, canonical="a", aliases="b"))',
        "from_json() takes the name of a file, not 5",
    ),
    "canonical": (
        'merge=Merge(by="name", mapping=from_json("x", canonical=None, aliases="b"))',
        "canonical= of from_json() takes the name of a member, not None",
    ),
    "items": (
        'merge=Merge(by="name", mapping=from_json("x", items=7, canonical="a", aliases="b"))',
        "items= of from_json() takes the name of a member, not 7",
    ),
    "not texts": ('merge=Merge(by="name", mapping={"a": 1})', "the mapping has 'a': 1, which is not two texts"),
    "no mapping": ('merge=Merge(by="name", mapping=7)', "mapping 7 is neither a dict nor from_json"),
    "chain": ('merge=Merge(by="name", mapping={"a": "b", "b": "c"})', "the alias 'b' is claimed by two"),
    "NUL": ('merge=Merge(by="name", mapping={"a\\0b": "c"})', "has a NUL in it"),
    "surrogate": (
        'merge=Merge(by="name", mapping={"a\\ud800b": "c"})',
        "the alias 'a\\ud800b' has half of a surrogate pair in it",
    ),
    "canonical surrogate": (
        'merge=Merge(by="name", mapping={"a": "\\ud800"})',
        "the alias '\\ud800' has half of a surrogate pair in it",
    ),
    "created surrogate": (
        'merge=Merge(by="name", mapping={"a": "b"}, create={"id": "\'\\ud800\'"})',
        "is no SQL that reads no column",
    ),
    "created by": (
        'merge=Merge(by="name", mapping={"a": "b"}, create={"id": "1", "name": "2"})',
        "create fills name, which gets the canonical value",
    ),
    "created key": ('merge=Merge(by="name", mapping={"a": "b"}, create={"rank": "1"})', "create does not fill id"),
    "created of a column": (
        'merge=Merge(by="name", mapping={"a": "b"}, create={"id": "rank"})',
        "create='rank' is no SQL that reads no column",
    ),
    "touch of the canonical value": (
        'merge=Merge(by="name", mapping={"a": "b"}, touch={"Name": "\'x\'"})',
        "touch sets name, which gets the canonical value",
    ),
    "touch of a generated column": (
        'merge=Merge(by="name", mapping={"a": "b"}, touch={"size": "1"})',
        "size is generated: it follows from other columns",
    ),
    "touch of no column": (
        'merge=Merge(by="name", mapping={"a": "b"}, touch={"rnk": "1"})',
        "touch sets rnk, and no table whose rows move has that column: topic",
    ),
}


def written(tmp_path: Path, table: str, body: str = TOPIC) -> Path:
    file = tmp_path / "schema.py"
    file.write_text(f"{IMPORTS}\n@table({table})\nclass Topic:{body}")
    return file


@pytest.mark.parametrize(("table", "message"), MODULES.values(), ids=MODULES.keys())
def test_a_rule_that_makes_no_sense_is_named(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(SchemaError) as error:
        load(written(tmp_path, table))
    assert message in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/schema.py:6: ")
    assert error.value.hint is not None
    assert "correct the line" not in error.value.hint


def test_a_touch_is_held_against_all_tables_whose_rows_move(tmp_path: Path) -> None:
    file = written(tmp_path, 'merge=Merge(by="name", mapping={"a": "b"}, touch={"changd_at": "1"})')
    fact = "\n@table\nclass Fact:\n    topic: Annotated[Topic, References()]\n    changed_at: int = 0\n"
    other = "\n@table\nclass Other:\n    changd_at: int = 0\n"
    file.write_text(file.read_text() + fact + other)
    with pytest.raises(SchemaError) as error:
        load(file)
    assert "touch sets changd_at, and no table whose rows move has that column: topic, fact" in str(error.value)
    assert error.value.hint == "did you mean changed_at?"
    file.write_text(file.read_text().replace('"changd_at"', '"changed_at"'))
    assert load(file).rules("topic") is not None
    generated = "    changed_at: Annotated[int, Generated('topic_id')] = auto()"
    file.write_text(file.read_text().replace("    changed_at: int = 0", generated))
    with pytest.raises(SchemaError, match="changed_at is generated"):
        load(file)


@pytest.mark.parametrize("column", ["NUMERIC", "String", "INT", "REAL"])
def test_a_merge_goes_by_texts_that_its_column_keeps(tmp_path: Path, column: str) -> None:
    """What SQLite makes a number of is no text that an old row could have: no row would be found to be canonical."""
    body = TOPIC.replace("Annotated[str, Unique]", f"Annotated[object, ColumnType({column!r}), Unique]")
    for mapping, text in (("{'five': '5'}", "'5'"), ("{' 1e3': 'a thousand'}", "'1e3'")):
        with pytest.raises(SchemaError) as error:
            load(written(tmp_path, f'merge=Merge(by="name", mapping={mapping})', body))
        assert f":6: name is of type {column}, which makes a number of {text}: a Merge goes by texts" in str(
            error.value
        )
        assert error.value.hint == 'give it a type that keeps them: ColumnType("TEXT")'
    load(written(tmp_path, 'merge=Merge(by="name", mapping={"v": "five"})', body))
    for kept in ("TEXT", "BLOB", "", "VARCHAR(5)"):
        other = body.replace(repr(column), repr(kept))
        load(written(tmp_path, 'merge=Merge(by="name", mapping={"five": "5"})', other))


def test_a_column_is_mapped_once_and_seed_rows_are_no_duplicates(tmp_path: Path) -> None:
    body = '\n    name: Annotated[str, Key, Mapped({"a": "b"})]\n'
    with pytest.raises(SchemaError, match="name has a Mapped too"):
        load(written(tmp_path, 'merge=Merge(by="name", mapping={"a": "b"})', body))
    file = written(tmp_path, 'duplicates=Duplicates(key="name", compare=(), prefer="id")')
    file.write_text(file.read_text() + "\nrows = [Topic(id=1, name='a')]\n")
    with pytest.raises(SchemaError, match="topic has both seed rows and Duplicates"):
        load(file)


def test_content_and_rules_are_part_of_the_hash_and_their_order_is_not(tmp_path: Path) -> None:
    def hashed(table: str) -> str:
        return load(written(tmp_path, table)).hash

    one = 'duplicates=Duplicates(key=("name", "rank"), compare=(), prefer="id  DESC", losers={"rank": "1"})'
    same = 'duplicates=Duplicates(key=("rank", "name"), compare=(), prefer="id DESC", losers={"rank": "1"})'
    assert hashed(one) == hashed(same)
    others = {
        hashed(one),
        hashed(""),
        hashed(one.replace("DESC", "ASC")),
        hashed(one.replace('"1"', '"2"')),
        hashed(one.replace("losers=", 'equal="keep", losers=')),
        hashed('merge=Merge(by="name", mapping={"a": "b"})'),
        hashed('merge=Merge(by="name", mapping={"a": "c"})'),
        hashed('merge=Merge(by="name", mapping={"a": "b"}, fold_case=True)'),
        hashed('merge=Merge(by="name", mapping={"a": "b"}, touch={"rank": "1"})'),
    }
    assert len(others) == 9


OLD = """
    CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT NOT NULL, rank INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE fact(id INTEGER PRIMARY KEY, topic_id INTEGER REFERENCES topic(id), slot TEXT, value TEXT);
    INSERT INTO topic(id, name) VALUES (1, 'sun'), (2, 'SUN'), (3, 'sol'), (4, 'luna');
    INSERT INTO fact VALUES (1, 1, 'a', 'x'), (2, 3, 'a', 'y');
"""
NEW = """
@table({topic})
class Topic:
    id: Annotated[int, Key] = auto()
    name: str
    rank: int = 0

@table({fact})
class Fact:
    id: Annotated[int, Key] = auto()
    topic: Annotated[Topic | None, References()] = None
    slot: str | None = None
    value: str | None = None
"""
MERGE = 'merge=Merge(by="name", mapping={"sol": "sun"}, fold_case=True)'


def begin(tmp_path: Path, topic: str = "", fact: str = "", *more: str) -> Project:
    project = Project.begin(tmp_path, OLD, NEW.replace("{topic}", topic).replace("{fact}", fact))
    project.write(*more)
    return project


def test_the_exact_canonical_row_wins_over_another_spelling_of_it(tmp_path: Path) -> None:
    project = begin(tmp_path, MERGE)
    assert project.messages("canonical-claim") == []
    project.through()
    assert project.new("SELECT id, name FROM topic") == [(1, "sun"), (4, "luna")]
    assert project.new("SELECT id, topic_id FROM fact") == [(1, 1), (2, 1)]


def test_two_rows_that_claim_to_be_canonical_refuse_the_plan(tmp_path: Path) -> None:
    project = begin(tmp_path, MERGE, "", "UPDATE topic SET name = 'Sun' WHERE id = 1")
    (message,) = project.messages("canonical-claim", code=1)
    assert message == "two rows of topic claim to be the canonical row of one name: id 2 and 1: name → 'sun'"
    assert project.plan(code=1)["groups"][0]["collisions"]["count"] == 1


def test_an_alias_claims_nothing_in_the_refusal_of_a_later_claim(tmp_path: Path) -> None:
    project = begin(tmp_path, MERGE, "", "INSERT INTO topic(id, name) VALUES (0, 'sol')")
    project.run("migrate")
    project.write("UPDATE topic SET name = 'Sun ' WHERE id = 1")
    refused = project.run("drain", code=3)
    assert 'topic": two rows claim to be the canonical row of one name' in refused.stderr
    assert "(old table \"topic\", rows with id 1 and 2: name → 'sun')" in refused.stderr


def test_aliases_without_a_canonical_row_block_where_none_is_made(tmp_path: Path) -> None:
    project = begin(tmp_path, 'merge=Merge(by="name", mapping={"luna": "moon"})')
    assert project.messages("no-canonical-row", code=1) == [
        "1 row of topic is an alias of a canonical row that does not exist: id 4: name → 'moon'"
    ]


def test_children_that_become_equal_block_where_nothing_is_said_of_them(tmp_path: Path) -> None:
    project = begin(tmp_path, MERGE, 'unique=[("topic_id", "slot")]')
    assert project.messages("equal-after-merge", code=1) == [
        "2 rows of fact would be equal under the unique topic_id, slot: (1, 'a')"
    ]
    assert fixes(project, "equal-after-merge") == [
        '@table(…, duplicates=Duplicates(key=("topic_id", "slot"), …))',
    ]


def fixes(project: Project, check: str) -> list[str | None]:
    return [each["fix"] for each in project.plan(code=1)["findings"] if each["check"] == check]


def test_what_is_proposed_for_equal_children_can_be_written(tmp_path: Path) -> None:
    project = begin(tmp_path, MERGE, 'indexes=[Index("topic_id", unique=True)]')
    assert fixes(project, "equal-after-merge") == ['@table(…, duplicates=Duplicates(key="topic_id", …))']


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        (
            'merge=Merge(by="name", mapping={"sol": "sun"}, fold_case=True, touch={"rank": "7"}), unique=["rank"]',
            "Merge does not part them: make them distinct",
        ),
        (
            'duplicates=Duplicates(key="name", compare=(), prefer="id"), unique=["rank"]',
            "Duplicates does not part them: make them distinct",
        ),
    ],
)
def test_a_table_that_has_its_rule_is_not_told_to_get_another(tmp_path: Path, topic: str, why: str) -> None:
    project = begin(tmp_path, topic)
    (message,) = project.messages("equal-after-merge", code=1)
    assert message.endswith(f"; {why}")
    assert fixes(project, "equal-after-merge") == [None]


def test_aliases_without_their_canonical_row_are_the_cause_and_named_alone(tmp_path: Path) -> None:
    rule = (
        'merge=Merge(by="name", mapping={"luna": "moon", "selene": "moon"}), unique=[Unique("name", collate="NOCASE")]'
    )
    project = begin(
        tmp_path, rule, "", "DELETE FROM topic WHERE id = 2", "INSERT INTO topic(id, name) VALUES (9, 'selene')"
    )
    blocking = [each["check"] for each in project.plan(code=1)["findings"] if each["severity"] == "block"]
    assert blocking == ["no-canonical-row"]


def test_two_rows_that_prefer_cannot_rank_collide_also_where_they_are_the_same(tmp_path: Path) -> None:
    project = begin(tmp_path, 'duplicates=Duplicates(key="rank", compare=(), prefer="rank")')
    (message,) = project.messages("collision", code=1)
    assert message.startswith(
        "3 rows of topic collide with another of the same rank (prefer= can't rank them): id 2 and 1: rank 0; "
    )


def test_more_than_two_rows_that_collide_where_the_order_is_total(tmp_path: Path) -> None:
    project = begin(tmp_path, 'duplicates=Duplicates(key="rank", compare="name", prefer="id", collide="rank = 0")')
    (message,) = project.messages("collision", code=1)
    assert message.startswith(
        "3 rows of topic collide with another of the same rank (both satisfy collide= and differ,"
    )
    assert ": id 2 and 1: name " in message


@pytest.mark.parametrize(
    ("topic", "fact", "check", "message"),
    [
        (
            'duplicates=Duplicates(key="name", compare=(), prefer="nowhere")', "", "group-sql",
            "prefer of topic can't be read from topic: nowhere: no such column: nowhere",
        ),
        (
            'duplicates=Duplicates(key="name", compare=(), prefer="_canonical, rnk DESC")', "", "group-sql",
            "prefer of topic can't be read from topic: rnk: no such column: rnk; did you mean rank?",
        ),
        (
            'duplicates=Duplicates(key="name", compare=(), prefer="id", collide="_canonical AND \\"nme\\" = 1")', "",
            "group-sql",
            "collide of topic can't be read from topic: _canonical AND `nme` = 1: no such column: nme;"
            " did you mean name?",
        ),
        (
            'duplicates=Duplicates(key="name", compare=(), prefer="id", losers={"rank": "superseded"})', "",
            "group-sql",
            "losers['rank'] of topic can't be read from topic: superseded: no such column: superseded;"
            " a text stands in single quotes: 'superseded'",
        ),
        (
            'merge=Merge(by="name", mapping={"sol": "sun"}, touch={"slot": "nope + 1"})', "", "group-sql",
            "touch['slot'] of fact can't be read from fact: nope + 1: no such column: nope",
        ),
        (
            'merge=Merge(by="name", mapping={"sol": "sun"}, touch={"rank": "1 + slot"})', "", "group-sql",
            "touch['rank'] of topic can't be read from topic: 1 + slot: no such column: slot",
        ),
        (
            'merge=Merge(by="name", mapping={"sol": "sun"}, touch={"rank": "_canonical"})', "", "group-sql",
            "touch['rank'] of topic can't be read from topic: _canonical: no such column: _canonical",
        ),
        (
            'duplicates=Duplicates(key="name", compare=(), prefer="id", losers={"id": "1"})', "", "group-key",
            "topic.id is a key or a reference, or referred to: losers= and touch= can't set it",
        ),
        (
            'duplicates=Duplicates(key=("name", "extra"), compare=(), prefer="id")', "", "group-key",
            "topic.extra has no old value: rows can't be grouped or compared by it",
        ),
    ],
)  # fmt: skip
def test_what_the_old_tables_can_not_give_is_refused(
    tmp_path: Path, topic: str, fact: str, check: str, message: str
) -> None:
    module = NEW.replace("{topic}", topic).replace("{fact}", fact)
    project = Project.begin(
        tmp_path, OLD, module.replace("    rank: int = 0\n", "    rank: int = 0\n    extra: int = 1\n")
    )
    blocking = [each for each in project.plan(code=1)["findings"] if each["severity"] == "block"]
    assert [(each["check"], each["message"]) for each in blocking if each["check"] != "unanswered"] == [
        (check, message)
    ]
    assert [each for each in blocking if each["check"] == "groups"] == []


def test_a_column_may_be_called_as_a_direction_is(tmp_path: Path) -> None:
    body = TOPIC.replace("rank", "last")
    for prefer in ("last", "last DESC", "last DESC NULLS LAST, id"):
        load(written(tmp_path, f'duplicates=Duplicates(key="name", compare=(), prefer="{prefer}")', body))


def test_a_rule_does_not_set_what_other_tables_refer_to(tmp_path: Path) -> None:
    """One that frees the very key of its group is another matter: nothing leads to it."""
    fact = "\n    name: Annotated[str, References('Topic', 'name')]\n"
    old = """CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT UNIQUE, label TEXT);
        CREATE TABLE fact(name TEXT NOT NULL REFERENCES topic(name));
        INSERT INTO topic VALUES (1, 'a', 'x'), (2, 'b', 'x'); INSERT INTO fact VALUES ('a'), ('b');"""
    module = """
@table(duplicates=Duplicates(key="label", compare=(), prefer="id", equal="keep", losers={LOSERS}))
class Topic:
    id: Annotated[int, Key] = auto()
    name: Annotated[str | None, Unique] = None
    label: Annotated[str | None, Unique] = None

@table
class Fact:"""
    project = Project.begin(tmp_path, old, module.replace("LOSERS", "'label': 'NULL', 'name': 'name || id'") + fact)
    assert project.messages("group-key", code=1) == [
        "topic.name is a key or a reference, or referred to: losers= and touch= can't set it"
    ]
    project.change(module.replace("LOSERS", "'label': 'NULL'") + fact)
    assert project.messages("group-key") == []


def test_a_merge_by_a_column_without_old_values_is_refused(tmp_path: Path) -> None:
    module = NEW.replace("{topic}", 'merge=Merge(by="label", mapping={"a": "b"})').replace("{fact}", "")
    project = Project.begin(
        tmp_path, OLD, module.replace("    rank: int = 0\n", "    rank: int = 0\n    label: str = ''\n")
    )
    assert project.messages("mapped-column", code=1) == [
        "topic.label has aliases, and no old value is carried over to it"
    ]


def test_a_merge_by_a_reference_is_refused(tmp_path: Path) -> None:
    project = begin(tmp_path, MERGE, 'merge=Merge(by="topic_id", mapping={"a": "b"})')
    assert project.messages("mapped-column", code=1) == [
        "fact.topic_id has aliases and follows its reference to topic: map the column that it refers to, not this one"
    ]


def test_a_group_by_a_reference_to_a_later_table_is_refused(tmp_path: Path) -> None:
    old = """CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id), name TEXT);
        INSERT INTO node VALUES (1, 1, 'a'), (2, 1, 'a');"""
    module = """
@table(duplicates=Duplicates(key=("up", "name"), compare=(), prefer="id"))
class Node:
    id: Annotated[int, Key] = auto()
    up: Annotated[int | None, References("Node")] = None
    name: str | None = None
"""
    project = Project.begin(tmp_path, old, module)
    assert project.messages("group-key", code=1) == [
        "node.up refers to node, which comes later: no rows can be grouped by it"
    ]


def test_a_collision_that_comes_after_the_copy_is_settled_before_writes_are_paused(tmp_path: Path) -> None:
    project = begin(tmp_path, 'duplicates=Duplicates(key="name", compare=(), prefer="rank DESC")', "",
        "INSERT INTO topic VALUES (5, 'luna', 3)")  # fmt: skip
    project.run("migrate")
    project.write("INSERT INTO topic(id, name) VALUES (9, 'sol')")
    refused = project.run("drain", code=3)
    assert "rows with the same name collide, and Duplicates does not say which of them stays" in refused.stderr
    assert "(old table \"topic\", rows with id 3 and 9: name 'sol')" in refused.stderr
    project.write("UPDATE topic SET rank = 1 WHERE id = 9")
    project.run("drain", "--cutover")
    assert project.new("SELECT id FROM topic WHERE name = 'sol'") == [(9,)]
    assert project.new("SELECT topic_id FROM fact WHERE id = 2") == [(9,)]


def unrecorded(project: Project, table: str, write: str) -> None:
    """A write to a table of the old database that no trigger sees."""
    triggers = project.old(f"SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = '{table}'")
    version = project.old("PRAGMA schema_version")[0][0]
    project.write(*(f"DROP TRIGGER {name}" for name, _ in triggers))
    project.write(write)
    project.write(*(sql for _, sql in triggers), f"PRAGMA schema_version = {version}")


def test_an_unrecorded_write_to_a_loser_is_found_by_the_proof(tmp_path: Path) -> None:
    project = begin(tmp_path, 'duplicates=Duplicates(key="name", compare=(), prefer="rank DESC, id")', "",
        "INSERT INTO topic(id, name) VALUES (9, 'sol')")  # fmt: skip
    project.run("migrate")
    unrecorded(project, "topic", "UPDATE topic SET rank = 5 WHERE id = 9")
    refused = project.run("drain", code=3)
    assert 'the proof failed: table "topic" has rows that would not become what was found for them: 3' in refused.stderr


@pytest.mark.parametrize(
    "rule",
    [
        'duplicates=Duplicates(key="name", compare=(), prefer="id")',  # 2 is alone in its group
        # An alias has a fate alone too: 2 is in no group.
        """merge=Merge(by="name", mapping={"a": "c"}, create={"id": "9"})""",
    ],
)
def test_a_fate_that_nothing_says_is_found_by_the_proof(tmp_path: Path, rule: str) -> None:
    """The projection leaves such a row out: neither the copy nor the proof of rows would look at it."""
    project = Project.begin(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a')",
        f"@table({rule})\nclass T:\n    id: Annotated[int, Key] = auto()\n    name: str | None\n",
    )
    project.run("migrate")
    target = project.old("SELECT target FROM _migration_marker")[0][0]
    new = sqlite3.connect(tmp_path / target, isolation_level=None)
    (fates,) = new.execute("SELECT name FROM sqlite_schema WHERE name GLOB '_migration_fate_*'").fetchone()
    new.execute(f"INSERT INTO {fates} SELECT 2, _migration_fate, 0, 1 FROM {fates} WHERE _migration_key_1 = 3")
    new.execute("DELETE FROM t WHERE id = 2")
    new.close()
    refused = project.run("drain", code=3)
    assert 'the proof failed: table "t" has rows that would not become what was found for them: 2' in refused.stderr


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("INTEGER PRIMARY KEY", "int, Key"),
        ("TEXT NOT NULL PRIMARY KEY", "str, Key"),
        ("TEXT COLLATE NOCASE NOT NULL PRIMARY KEY", "str, Collate('NOCASE'), Key"),
    ],
)
@pytest.mark.parametrize("gone", [1, 2, 4])
def test_an_unrecorded_deletion_is_found_by_the_proof_of_groups(
    tmp_path: Path, key: str, column: str, gone: int
) -> None:
    """Of the first, a middle and the last row: a loser, and two that are alone."""
    project = Project.begin(
        tmp_path,
        f"CREATE TABLE t(id {key}, name TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a'), (4, 'c')",
        f"""@table(duplicates=Duplicates(key="name", compare=(), prefer="id DESC"))
class T:
    id: Annotated[{column}]
    name: str | None
""",
    )
    project.run("migrate")
    unrecorded(project, "t", f"DELETE FROM t WHERE id = '{gone}'")
    told = gone if column.startswith("int") else f"'{gone}'"
    refused = project.run("drain", code=3)
    assert f'table "t" has groups with rows that the old database does not have: {told}' in refused.stderr


def test_a_row_too_many_that_is_in_no_group_is_found_by_the_proof(tmp_path: Path) -> None:
    project = Project.begin(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'a')",
        """@table(duplicates=Duplicates(key="name", compare=(), prefer="id"))
class T:
    id: Annotated[int, Key]
    name: str | None
""",
    )
    project.run("migrate")
    unrecorded(project, "t", "DELETE FROM t WHERE id = 2")
    refused = project.run("drain", code=3)
    assert 'the proof failed: table "t" has rows that the old database does not have: 2' in refused.stderr


def test_a_rule_whose_sql_does_not_take_a_value_names_its_table(tmp_path: Path) -> None:
    project = Project.begin(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, j TEXT);"
        "INSERT INTO t VALUES (1, 'a', '{}'), (2, 'a', '{}'), (3, 'b', '{}')",
        """@table(duplicates=Duplicates(key="name", compare=(), prefer="j ->> '$.rank' DESC, id"))
class T:
    id: Annotated[int, Key] = auto()
    name: str | None
    j: str | None
""",
    )
    project.run("migrate")
    project.write("INSERT INTO t VALUES (4, 'b', 'no json')")
    refused = project.run("drain", code=3)
    assert 'table "t": a rule for rows that become one fails on a row that was written since: malformed JSON' in (
        refused.stderr
    )
    project.run("reset")
    assert project.messages("groups", code=1) == ["could not find out which rows become one: t: malformed JSON"]
    project.run("plan", code=1)
    project.write("UPDATE t SET j = '{}' WHERE id = 4")
    project.run("migrate")


KEPT_LOSER = 'duplicates=Duplicates(key="rank", compare="name", prefer="id DESC", losers={{"name": "\'old\'"}}{equal})'


@pytest.mark.parametrize(("equal", "warned"), [("", 1), (', equal="keep"', 0)])
def test_a_loser_that_the_next_migration_would_merge_away_is_told(tmp_path: Path, equal: str, warned: int) -> None:
    project = begin(tmp_path, KEPT_LOSER.format(equal=equal))
    found = project.messages("losers-again")
    assert len(found) == warned
    for message in found:
        assert "losers= sets name, which compare= reads: the next migration can take them for the same" in message


@pytest.mark.parametrize(
    ("prefer", "collisions", "merged"),
    [
        # The winner, 1, is not active: 3 collides with 2.
        ("id", ["id 3 and 2: value 'y' and 'x'"], 0),
        # No total order, and nobody is tied.
        ("active DESC, stamp", ["id 3 and 2: value 'y' and 'x'"], 1),
        # Two best rows: all of them are in the way.
        ("active DESC", ["id 1 and 2: name 'a'", "id 3 and 2: value 'y' and 'x'"], 0),
    ],
)
def test_a_collision_is_told_beside_the_row_that_it_collides_with(
    tmp_path: Path, prefer: str, collisions: list[str], merged: int
) -> None:
    project = Project.begin(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value TEXT, active INT NOT NULL, stamp INT NOT NULL);"
        "INSERT INTO t VALUES (1, 'a', 'x', 0, 3), (2, 'a', 'x', 1, 1), (3, 'a', 'y', 1, 2)",
        f"""@table(duplicates=Duplicates(key="name", compare="value", prefer="{prefer}", collide="active"))
class T:
    id: Annotated[int, Key] = auto()
    name: str | None
    value: str | None
    active: int
    stamp: int
""",
    )
    (found,) = project.plan(code=1)["groups"]
    assert (found["collisions"]["samples"], found["merged"]["count"]) == (collisions, merged)


def test_a_collision_lists_the_rows_that_collide_with_the_winner_alone(tmp_path: Path) -> None:
    """Not one that is the same, which is merged, nor one that is not active, which is dropped."""
    project = Project.begin(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value TEXT, active INTEGER NOT NULL); INSERT INTO t VALUES"
        " (1, 'a', 'x', 1), (2, 'a', 'x', 1), (3, 'a', 'y', 1), (4, 'a', 'z', 0), (5, 'b', 'x', 1), (6, 'b', 'x', 1)",
        """@table(duplicates=Duplicates(key="name", compare="value", prefer="active DESC, id", collide="active"))
class T:
    id: Annotated[int, Key] = auto()
    name: str | None
    value: str | None
    active: int
""",
    )
    (found,) = project.plan(code=1)["groups"]
    assert {kind: found[kind]["count"] for kind in ("collisions", "merged", "historical_drops")} == {
        "collisions": 1,
        "merged": 2,
        "historical_drops": 1,
    }
    assert found["collisions"]["samples"] == ["id 3 and 1: value 'y' and 'x'"]
    project.write("DELETE FROM t WHERE id = 3")
    project.through("INSERT INTO t VALUES (7, 'a', 'x', 1), (8, 'a', 'z', 0)")
    assert project.new("SELECT id FROM t") == [(1,), (5,)]
