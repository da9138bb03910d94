"""A full-text index over a table of the schema finds, after the cutover, exactly what is written there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hotmig.catalog.read import read_catalog
from hotmig.phases import drain
from hotmig.sqlite import connect, execute
from hotmig.transfer.full_text import rebuild_beforehand
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.phases.shops import Shop, open_shop
from tests.transfer.building import Case, schema

INDEX = "CREATE VIRTUAL TABLE doc_text USING fts5(body, content='doc', content_rowid='id')"
KEPT_BY_TRIGGERS = """CREATE TRIGGER doc_in AFTER INSERT ON doc BEGIN
    INSERT INTO doc_text(rowid, body) VALUES (NEW.id, NEW.body); END;
CREATE TRIGGER doc_out AFTER DELETE ON doc BEGIN
    INSERT INTO doc_text(doc_text, rowid, body) VALUES ('delete', OLD.id, OLD.body); END;
CREATE TRIGGER doc_changed AFTER UPDATE ON doc BEGIN
    INSERT INTO doc_text(doc_text, rowid, body) VALUES ('delete', OLD.id, OLD.body);
    INSERT INTO doc_text(rowid, body) VALUES (NEW.id, NEW.body); END;
"""
DOCS = "CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT NOT NULL);"
ROWS = "INSERT INTO doc VALUES (1, 'red apple'), (2, 'green pear'), (3, 'blue plum');"
MODULE = """from typing import Annotated
from hotmig.schema import Key, Was, auto, sql, table, trigger

database = "shop"

@table
class Doc:
    id: Annotated[int, Key] = auto()
    body: str
    lang: str = "en"

sql({index!r})
{triggers}
"""
TRIGGERS = "".join(f"trigger({sql.strip() + ' END'!r})\n" for sql in KEPT_BY_TRIGGERS.split(" END;") if sql.strip())
LATE = (
    "INSERT INTO doc VALUES (4, 'yellow quince')",
    "UPDATE doc SET body = 'green fig' WHERE id = 2",
    "DELETE FROM doc WHERE id = 1",
)


NEWS = """@table
class News:
    id: Annotated[int, Key] = auto()
    body: str

trigger("CREATE TRIGGER told AFTER UPDATE ON doc BEGIN INSERT INTO news(body) VALUES (NEW.body); END", on_replay=True)

@table"""


def found(shop: Shop, word: str, table: str = "doc_text") -> list[int]:
    rows = shop.ask(f"SELECT rowid FROM {table} WHERE {table} MATCH '{word}' ORDER BY 1", shop.new)
    return [row[0] for row in rows]


def drain_with_writes_under_way(shop: Shop, monkeypatch: pytest.MonkeyPatch, *writes: str) -> None:
    """The application writes when the indexes have been made beforehand, shortly before the fence goes up."""

    def then_written(session: Session) -> float:
        seconds = rebuild_beforehand(session)
        shop.write(*writes)
        return seconds

    monkeypatch.setattr(drain, "rebuild_beforehand", then_written)
    shop.run("drain")
    shop.run("cutover")


def require_same_texts(shop: Shop) -> None:
    """SQLite's own comparison of an index with the table behind it: an error where they differ."""
    shop.write("INSERT INTO doc_text(doc_text, rank) VALUES ('integrity-check', 1)", file=shop.new)


@pytest.mark.parametrize("wal", [True, False])
@pytest.mark.parametrize("command", ["drain", "drain --cutover"])
def test_searches_find_what_was_written_late_and_not_what_was_deleted(tmp_path: Path, wal: bool, command: str) -> None:
    module = MODULE.format(index=INDEX, triggers=TRIGGERS)
    shop = open_shop(tmp_path / "shop", script=f"{DOCS}{INDEX};{KEPT_BY_TRIGGERS}{ROWS}", module=module, wal=wal)
    assert "doc_text is built anew from doc while writes are paused" in shop.run("plan").stdout
    shop.run("migrate")
    shop.write(*LATE)
    shop.run(command)
    shop.run("cutover")
    words = ("apple", "pear", "fig", "quince", "plum", "green")
    assert {word: found(shop, word) for word in words} == {
        "apple": [], "pear": [], "fig": [2], "quince": [4], "plum": [3], "green": [2],
    }  # fmt: skip
    require_same_texts(shop)
    # From now on the application's own triggers keep it.
    shop.write("UPDATE doc SET body = 'black olive' WHERE id = 3", file=shop.new)
    assert (found(shop, "plum"), found(shop, "olive")) == ([], [3])
    require_same_texts(shop)


def test_an_index_that_only_the_new_schema_has_is_filled(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", script=DOCS + ROWS, module=MODULE.format(index=INDEX, triggers=""))
    shop.run("migrate")
    shop.run("drain")
    shop.run("cutover")
    assert (found(shop, "apple"), found(shop, "quince")) == ([1], [])
    require_same_texts(shop)


def test_what_is_written_shortly_before_the_fence_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(tmp_path / "shop", script=DOCS + ROWS, module=MODULE.format(index=INDEX, triggers=""))
    shop.run("migrate")
    drain_with_writes_under_way(shop, monkeypatch, *LATE)
    assert (found(shop, "apple"), found(shop, "fig"), found(shop, "quince")) == ([], [2], [4])
    require_same_texts(shop)


def test_what_is_written_between_two_drains_is_found(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", script=DOCS + ROWS, module=MODULE.format(index=INDEX, triggers=""))
    shop.run("migrate")
    shop.lapse()
    shop.write(*LATE)
    shop.run("drain")
    shop.run("cutover")
    assert (found(shop, "apple"), found(shop, "quince")) == ([], [4])
    require_same_texts(shop)


def test_offline_it_is_filled_too(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", script=DOCS + ROWS, module=MODULE.format(index=INDEX, triggers=""))
    shop.run("migrate --offline")
    assert found(shop, "apple") == [1]


def test_it_follows_a_table_whose_keys_are_new(tmp_path: Path) -> None:
    old = """CREATE TABLE doc(code TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL);
        INSERT INTO doc VALUES ('x', 'red apple');"""
    module = MODULE.format(index=INDEX, triggers="").replace("body: str", "code: str\n    body: str")
    shop = open_shop(tmp_path / "shop", script=old, module=module)
    shop.run("migrate")
    shop.write("INSERT INTO doc VALUES ('a', 'green pear')", "DELETE FROM doc WHERE code = 'x'")
    shop.run("drain")
    shop.run("cutover")
    assert (found(shop, "apple"), found(shop, "pear")) == ([], [2])
    require_same_texts(shop)


def test_it_may_stand_over_a_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = "CREATE VIEW loud AS SELECT id, upper(body) AS body FROM doc"
    index = "CREATE VIRTUAL TABLE doc_text USING fts5(body, content=loud, content_rowid=id)"
    module = MODULE.format(index=index, triggers="").replace("sql, table", "sql, table, view")
    module += '@view("loud", sql="SELECT id, upper(body) AS body FROM doc")\nclass Loud:\n    id: int\n    body: str\n'
    shop = open_shop(tmp_path / "shop", script=f"{DOCS}{view};{index};{ROWS}", module=module)
    shop.run("migrate")
    drain_with_writes_under_way(shop, monkeypatch, *LATE)
    assert (found(shop, "apple"), found(shop, "quince")) == ([], [4])
    assert shop.ask("SELECT body FROM doc_text WHERE doc_text MATCH 'quince'", shop.new) == [("YELLOW QUINCE",)]


def test_it_follows_a_table_that_an_on_replay_trigger_writes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = MODULE.format(index=INDEX.replace("'doc'", "'news'"), triggers="").replace("@table", NEWS, 1)
    shop = open_shop(tmp_path / "shop", script=DOCS + ROWS, module=module)
    shop.run("migrate")
    drain_with_writes_under_way(shop, monkeypatch, "UPDATE doc SET body = 'green fig' WHERE id = 2")
    assert (found(shop, "pear"), found(shop, "fig")) == ([], [1])
    require_same_texts(shop)


def test_under_the_fence_only_those_are_made_anew_whose_texts_were_written_since(tmp_path: Path) -> None:
    tables = [
        DOCS.rstrip(";"),
        "CREATE TABLE other(id INTEGER PRIMARY KEY, body TEXT)",
        INDEX,
        'CREATE VIRTUAL TABLE "a ""b""" USING fts5(body, content = "other")',
        "CREATE VIRTUAL TABLE own USING fts5(body)",
        "CREATE VIRTUAL TABLE bare USING fts5(body, content='')",
    ]
    case = Case(tmp_path, [*tables[:2], ROWS.rstrip(";")], schema(tables[:2]))
    case.record()
    db = connect(case.new_path)
    for sql in tables[2:]:
        execute(db, sql)
    virtual = read_catalog(db).virtual_tables
    db.close()
    case.plan = replace(case.plan, new=replace(case.plan.new, virtual_tables=virtual))
    made: list[str] = []
    with case.session() as session:
        session.db.set_trace_callback(lambda sql: made.append(sql) if "('rebuild')" in sql else None)
        case.copy(session)
        case.write("UPDATE doc SET body = 'red cherry' WHERE id = 1")
        replay(session)
        assert made == [], "before the fence goes up nobody searches"
        rebuild_beforehand(session)
        assert len(made) == 2
        replay(session, finish=True)
        assert len(made) == 2
        case.write("UPDATE doc SET body = 'red berry' WHERE id = 1")
        replay(session, finish=True)
        assert made[2:] == ['INSERT INTO main."doc_text"("doc_text") VALUES (\'rebuild\')']
    searches = [f"SELECT rowid FROM doc_text WHERE doc_text MATCH '{word}'" for word in ("apple", "cherry", "berry")]
    assert [case.new_rows(search) for search in searches] == [[], [], [(1,)]]
