"""A schema module that was changed after the migration began, or that went back: status says what is refused."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from hotmig.phases.locate import load_schema
from hotmig.phases.status import status
from tests.phases.files import NEW, OLD, cleaned_database, new_database, old_database, ready_database
from tests.phases.shops import MODULE, Shop, open_shop

BACK = "put it back, or `hotmig reset`"
EARLIER = (
    "which was replaced: the schema went back to an earlier one, and `hotmig plan` and `hotmig migrate` refuse that"
)
ITEM = """from typing import Annotated

from hotmig.schema import Key, auto, table

database = "shop"

@table
class Item:  # as files.py makes it
    id: Annotated[int, Key] = auto()
    name: str | None = None
"""


def age(file: Path) -> None:
    """As a module is that was written before the migration began."""
    os.utime(file, (0, 0))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A migration under way, whose module is older than it."""
    shop = open_shop(tmp_path / "shop")
    age(shop.directory / "schema.py")
    shop.run("migrate")
    return shop


@pytest.mark.parametrize("commands", [[], ["drain"], ["drain --hold 0.001"]], ids=["recording", "drained", "lapsed"])
def test_a_module_that_asks_for_another_database_now(shop: Shop, commands: list[str]) -> None:
    for command in commands:
        shop.run(command)
    assert BACK not in shop.run("status").stdout
    module = shop.directory / "schema.py"
    module.write_text(MODULE + "    rank: int = 0\n")
    shown = shop.run("status --check", code=1).stdout
    wanted = f"shop-{load_schema(module).hash}.sqlite"
    assert f"  ! the schema module asks for another database now ({wanted}): {BACK}\n" in shown
    following = shown.splitlines()[-1]
    assert following.endswith("  # once the schema module is put back")
    command = following.removeprefix("Next: hotmig ").partition(" ")[0]
    assert "put the schema module, and what it reads, back as it was" in shop.run(command, code=3).stderr
    module.write_text(MODULE)
    assert BACK not in shop.run("status").stdout
    shop.run(command)


def test_a_module_that_says_something_else_of_where_the_data_comes_from(shop: Shop) -> None:
    (shop.directory / "schema.py").write_text(MODULE.replace('"name"', '"id"'))
    shown = shop.run("status --check", code=1).stdout
    assert f"! the schema module says of the data now what it did not say when the migration began: {BACK}\n" in shown
    assert "put the schema module, and what it reads, back as it was" in shop.run("drain", code=3).stderr


def test_a_module_that_was_only_touched_is_no_other_one(shop: Shop) -> None:
    (shop.directory / "schema.py").write_text(MODULE + "\n# a comment\n")
    assert BACK not in shop.run("status --check").stdout


@pytest.mark.parametrize("beside", ["tables.py", "tables/__init__.py"])
def test_a_change_in_a_module_beside_it_is_seen(tmp_path: Path, beside: str) -> None:
    shop = open_shop(tmp_path / "shop")
    tables = shop.directory / beside
    tables.parent.mkdir(exist_ok=True)
    tables.write_text(MODULE)
    (shop.directory / "schema.py").write_text('import tables\ndatabase = "shop"\n')
    age(tables)
    age(shop.directory / "schema.py")
    shop.run("migrate")
    shop.run("status --check")
    tables.write_text(MODULE + "    rank: int = 0\n")
    assert BACK in shop.run("status --check", code=1).stdout


MAPPED = MODULE.replace("import Key,", "import Key, Mapped, from_json,").replace(
    'Was("name")', 'Was("name"), Mapped(from_json("FILE", canonical="id", aliases="as"))'
)


@pytest.mark.parametrize(
    ("registry", "in_another"),
    [("registry.json", False), ("data/registry.json", False), ("../registry.txt", False), ("registry.json", True)],
)
def test_a_change_in_the_file_of_a_mapping_is_seen(tmp_path: Path, registry: str, in_another: bool) -> None:
    shop = open_shop(tmp_path / "shop", module=MAPPED.replace("FILE", registry))
    module, file = shop.directory / "schema.py", shop.directory / registry
    file.parent.mkdir(exist_ok=True)
    file.write_text('[{"id": "one", "as": ["uno"]}]')
    if in_another:
        age(module.rename(shop.directory / "tables.py"))
        module.write_text('import tables\ndatabase = "shop"\n')
    age(file)
    age(module)
    shop.run("migrate")
    shop.run("status --check")
    file.write_text('[{"id": "one", "as": ["uno", "eins"]}]')
    assert f": {BACK}\n" in shop.run("status --check", code=1).stdout
    assert "put the schema module, and what it reads, back as it was" in shop.run("drain", code=3).stderr


def test_a_module_that_was_broken_meanwhile_is_told(shop: Shop) -> None:
    (shop.directory / "schema.py").write_text('database = "shop"\nclass (\n')
    assert "schema module        not usable: " in shop.run("status").stdout


def test_what_only_a_reset_mends_comes_first(shop: Shop) -> None:
    (shop.directory / "schema.py").write_text(MODULE + "    rank: int = 0\n")
    db = sqlite3.connect(shop.old)
    db.execute("ALTER TABLE item ADD COLUMN surprise")
    db.close()
    shown = shop.run("status --check", code=1).stdout
    assert BACK in shown
    assert shown.splitlines()[-1] == f"Next: hotmig reset --dir {shop.directory}"


# --- the way back


@pytest.fixture
def later(tmp_path: Path) -> tuple[Path, str]:
    """A directory whose module asks for an earlier schema, and the name of the file that has it."""
    module = tmp_path / "schema.py"
    module.write_text(ITEM)
    return tmp_path, f"shop-{load_schema(module).hash}.sqlite"


@pytest.mark.parametrize("make", [lambda path: old_database(path, "retired", fence=(-100.0, -40.0)), cleaned_database])
def test_an_earlier_module_is_told_while_the_archive_is_there(later: tuple[Path, str], make) -> None:  # type: ignore[no-untyped-def]
    directory, earlier = later
    make(directory / earlier)
    db = sqlite3.connect(ready_database(directory / NEW, parent=earlier))
    db.execute("ALTER TABLE item ADD COLUMN since")
    db.close()
    shop = Shop(directory)
    shown = shop.run("status --check", code=1).stdout
    assert f"  ! the schema module asks for {earlier}, {EARLIER}\n" in shown
    assert "the schema went back to an earlier one" in shop.run("plan", code=3).stderr
    (directory / earlier).rename(directory / "archive")
    assert "the schema module asks for" not in shop.run("status").stdout


def test_the_present_module_is_no_earlier_one(later: tuple[Path, str]) -> None:
    directory, present = later
    old_database(directory / OLD, "retired", target=present, fence=(-100.0, -40.0))
    ready_database(directory / present, parent=OLD)
    assert status(directory).attention == ()


def test_a_name_that_is_taken_is_not_told_as_in_service(later: tuple[Path, str]) -> None:
    directory, earlier = later
    cleaned_database(directory / earlier)
    db = sqlite3.connect(ready_database(directory / NEW, parent=earlier))
    db.execute("ALTER TABLE item ADD COLUMN since")
    db.close()
    shown = Shop(directory).run("status").stdout
    assert f"{directory / earlier}  (replaced, and its name is taken, " in shown
    assert shown.count("in service, ") == 1


def test_the_file_that_is_being_built_on_the_way_back_is_no_archive(later: tuple[Path, str]) -> None:
    directory, earlier = later
    ready_database(directory / OLD, parent=earlier)
    db = sqlite3.connect(directory / OLD)
    db.execute("ALTER TABLE item ADD COLUMN since")
    db.close()
    new_database(directory / earlier, parent=OLD)
    assert not [told for told in status(directory).attention if "earlier" in told]


@pytest.mark.parametrize("done", [[], ["drain"]], ids=["recording", "drained"])
@pytest.mark.parametrize("command", ["migrate", "drain", "drain --cutover", "cutover"])
def test_a_module_that_asks_for_the_live_database_again_does_not_end_the_migration(
    command: str, done: list[str], tmp_path: Path
) -> None:
    """The deploy of the release that is in service: it may not take a recording, or fenced, database for settled."""
    shop = Shop(tmp_path)
    module = tmp_path / "schema.py"
    module.write_text(ITEM)
    shop.run("init")
    module.write_text(ITEM + "    rank: int = 0\n")
    for each in ("migrate", *done):
        shop.run(each)
    module.write_text(ITEM)
    assert "put the schema module" in shop.run(command, code=3).stderr
