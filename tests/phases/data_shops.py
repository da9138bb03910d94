"""A shop whose schema module has data migrations, written as texts: failure is injected here, not in the product."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from tests.phases.shops import ITEMS, Shop, open_shop

HEAD = """import sqlite3, sys, time
from typing import Annotated

from hotmig.schema import Key, References, Was, adopt_marks, auto, data_migration, table, trigger

database = "shop"

@table
class Item:
    id: Annotated[int, Key] = auto()
    name: str | None = None
"""
SAME = "db.execute('SELECT 1')"


def numbered(name: str, body: str = SAME, **options: Any) -> str:
    """One data migration with that body."""
    given = "".join(f", {key}={value!r}" for key, value in options.items())
    lines = indent(dedent(body).strip(), "    ")
    return f"\n@data_migration({name!r}{given})\ndef _(db: sqlite3.Connection) -> None:\n{lines}\n"


def upper(name: str = "001_upper", **options: Any) -> str:
    """One whose work can be seen."""
    return numbered(name, "db.execute('UPDATE item SET name = upper(name)')", **options)


def module(*migrations: str, more: str = "") -> str:
    """The schema that the shop has already, and these data migrations."""
    return HEAD + more + "".join(migrations)


def open_data_shop(directory: Path, *migrations: str, script: str = ITEMS, more: str = "", wal: bool = True) -> Shop:
    return open_shop(directory, script=script, module=module(*migrations, more=more), wal=wal)


def rewrite(shop: Shop, *migrations: str, more: str = "") -> None:
    (shop.directory / "schema.py").write_text(module(*migrations, more=more))


def marks(shop: Shop, file: Path | None = None) -> list[tuple[str, bool, bool, str | None]]:
    """Name, whether applied, whether skipped, and the reason."""
    sql = "SELECT name, applied_utc IS NOT NULL, skipped_utc IS NOT NULL, reason FROM _data_migration ORDER BY name"
    return [
        (name, bool(applied), bool(skipped), reason)
        for name, applied, skipped, reason in shop.ask(sql, file or shop.new)
    ]


def states(shop: Shop) -> dict[str, str]:
    """What `hotmig data status` says."""
    return {each["name"]: each["state"] for each in shop.json("data status")["entries"]}


def cut_over(shop: Shop, *options: str) -> None:
    shop.run("migrate")
    shop.run("drain --cutover", *options)
