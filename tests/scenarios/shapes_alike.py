"""A shape whose tables are copied as they are: names differ, columns come behind the last one, indexes move along."""

from __future__ import annotations

import sqlite3

from tests.scenarios.exact import Row, cell
from tests.scenarios.shape import Dice, Old, Shape, Write, pick
from tests.scenarios.shapes_keys import void

FOLDERS, SLOTS = 60, 12

FOLDER = """CREATE TABLE folder(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, mark TEXT NOT NULL,
    UNIQUE (name){check})"""
LEAF = (
    """CREATE TABLE leaf(folder_id INTEGER NOT NULL REFERENCES folder(id) ON DELETE CASCADE ON UPDATE CASCADE,
        slot TEXT NOT NULL, size INTEGER, mark TEXT NOT NULL, PRIMARY KEY (folder_id, slot),
        CHECK (mark <> '')) WITHOUT ROWID""",
    "CREATE INDEX by_size ON leaf(size, slot)",
    "CREATE UNIQUE INDEX by_mark ON leaf(mark)",
)

MODULE = """from typing import Annotated

from hotmig.schema import Check, Collate, Index, Key, References, Unique, Was, table

database = "app"


@table("folder")
class Folder:
    id: Annotated[int, Key]
    name: Annotated[str, Collate("NOCASE"), Unique]
    mark: str
    kind: str = "plain"


@table(
    "page",
    was="leaf",
    key=("folder_id", "slot"),
    indexes=[Index("length", "slot", name="by_length"), Index("mark", unique=True, name="by_mark"), Index("folder_id")],
    checks=[Check("mark <> ''")],
    without_rowid=True,
)
class Page:
    folder: Annotated[Folder, References(on_delete="CASCADE", on_update="CASCADE"), Was("folder_id")]
    slot: str
    length: Annotated[int | None, Was("size")]
    mark: str
    revision: int = 7
"""


def _writes(leaf: str, size: str) -> dict[str, Write]:
    folder = lambda dice: dice.randrange(1, FOLDERS)  # noqa: E731
    slot = lambda dice: f"s{dice.randrange(SLOTS)}"  # noqa: E731

    def put(verb: str) -> Write:
        names = f"folder_id, slot, {size}, mark"
        sql = f"{verb} INTO {leaf}({names}) SELECT id, ?, ?, ? FROM folder ORDER BY id LIMIT 1 OFFSET ?"
        return lambda db, dice: void(
            db.execute(sql, (slot(dice), dice.maybe(dice.randrange(999)), dice.mark(), dice.randrange(FOLDERS // 2)))
        )

    def change(sql: str, table: str, columns: str) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            row = dice.some(db, table, columns)
            if row:
                db.execute(sql, (dice.mark(), *row))

        return write

    return {
        "folder": lambda db, dice: void(
            db.execute(
                "INSERT OR IGNORE INTO folder(id, name, mark) VALUES (?, ?, ?)",
                (folder(dice), dice.word(), dice.mark()),
            )
        ),
        "replace folder": lambda db, dice: void(
            db.execute(
                "REPLACE INTO folder(id, name, mark) SELECT ?, upper(name), ? FROM folder ORDER BY random() LIMIT 1",
                (folder(dice), dice.mark()),
            )
        ),
        "renumber": lambda db, dice: void(
            db.execute(
                "UPDATE OR IGNORE folder SET id = ?, mark = ? WHERE id = ?", (folder(dice), dice.mark(), folder(dice))
            )
        ),
        "leaf": put("INSERT OR IGNORE"),
        "replace leaf": put("REPLACE"),
        "resize": change(
            f"UPDATE {leaf} SET {size} = coalesce({size}, 0) + 1, mark = ? WHERE folder_id = ? AND slot = ?",
            leaf,
            "folder_id, slot",
        ),
        "delete leaf": change(
            f"DELETE FROM {leaf} WHERE mark <> ? AND folder_id = ? AND slot = ?", leaf, "folder_id, slot"
        ),
        "delete folder": change("DELETE FROM folder WHERE mark <> ? AND id = ?", "folder", "id"),
    }


def _fill(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
    writes = _writes("leaf", "size")
    for number in range(rows):
        writes["folder" if number % 4 == 0 else "leaf"](db, dice)


def _project(old: Old) -> dict[str, list[Row]]:
    return {
        "folder": [(*pick(row, ("id", "name", "mark")), cell("plain")) for row in old["folder"]],
        "page": [(*pick(row, ("folder_id", "slot", "size", "mark")), cell(7)) for row in old["leaf"]],
    }


def _shape(name: str, check: str) -> Shape:
    return Shape(
        name=name,
        old_ddl=(FOLDER.format(check=check), *LEAF),
        old_tables={"folder": ("id", "name", "mark"), "leaf": ("folder_id", "slot", "size", "mark")},
        new_tables={
            "folder": ("id", "name", "mark", "kind"),
            "page": ("folder_id", "slot", "length", "mark", "revision"),
        },
        schema_module=MODULE,
        fill=_fill,
        writes=_writes("leaf", "size"),
        new_writes=_writes("page", "length"),
        project=_project,
    )


SHAPES = (
    # A CHECK that goes is more than ALTER TABLE can do: each table by itself. Without one the file goes as a whole.
    _shape("alike", ", CHECK (mark <> '')"),
    _shape("pages", ""),
)
