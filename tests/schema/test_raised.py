"""Exceptions of a schema module and of what it imports: the line that did it, and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import SchemaError
from hotmig.schema.load import load

from .conftest import Mistake, Write, each_mistake

ROW = "@table\nclass Item:\n    id: Annotated[int, Key]\n    name: str\n    note: str = ''\n"
MISTAKES = {
    "a row by position": (
        ROW + "Item(1, 'a')  # <-",
        "TypeError: Item takes its fields by their names: Item(id=…, name=…, note=…)",
        "give the fields of a row by their names",
    ),
    "a row without a field": (
        ROW + "Item(id=1)  # <-",
        "TypeError: Item.__init__() missing 1 required keyword-only argument: 'name'",
        "correct the line",
    ),
    "a marker that is not imported": (
        "del globals()['Was']\n@table\nclass A:\n    x: Annotated[int, Was('y')]  # <-",
        "NameError: name 'Was' is not defined",
        "write from hotmig.schema import Was",
    ),
    "a name that is known to nobody": ("Wos('y')  # <-", "NameError: name 'Wos' is not defined", "correct the line"),
    "a marker in small letters": (
        "@table\nclass A:\n    x: Annotated[int, key]  # <-",
        "NameError: name 'key' is not defined",
        "did you mean Key?",
    ),
    "a decorator with a slip of the pen": (
        "@tabel  # <-\nclass A:\n    x: int",
        "NameError: name 'tabel' is not defined",
        "did you mean table?",
    ),
    "a marker with a slip of the pen that is not imported": (
        "del globals()['Check']\n@table\nclass A:\n    x: Annotated[int, Chek('x > 0')]  # <-",
        "NameError: name 'Chek' is not defined",
        "did you mean Check? Then write from hotmig.schema import Check",
    ),
    "a marker with a slip of the pen in quotes": (
        "@table\nclass A:\n    x: 'Annotated[int, Uniqe]'  # <-",
        "the annotation of x can't be evaluated: NameError: name 'Uniqe' is not defined",
        "did you mean Unique?",
    ),
    "a class of their own that only looks like a marker": (
        "x = Sale  # <-",
        "NameError: name 'Sale' is not defined",
        "correct the line",
    ),
    "a marker that does not exist": (
        "from hotmig.schema import Chek  # <-",
        "ImportError: cannot import name 'Chek' from 'hotmig.schema'",
        "did you mean Check?",
    ),
    "a marker that is like none": (
        "from hotmig.schema import Xyzzy  # <-",
        "ImportError: cannot import name 'Xyzzy' from 'hotmig.schema'",
        "hotmig.schema has no such name",
    ),
    "a relative import": (
        "from .base import A  # <-",
        "ImportError: attempted relative import",
        "without the dot",
    ),
    "a marker alone in Annotated": (
        "@table\nclass A:\n    x: Annotated[Key]  # <-",
        "TypeError: Annotated[...] should be used with at least two arguments",
        "write the type first: Annotated[int, Key]",
    ),
}


@each_mistake(MISTAKES)
def test_what_a_module_raises(module: str, message: str, hint: str, mistake: Mistake) -> None:
    told = mistake(module)
    assert message in told.message
    assert hint in told.hint


def test_with_many_fields_the_first_few_are_enough(mistake: Mistake) -> None:
    fields = "".join(f"    f{number}: int\n" for number in range(9))
    told = mistake(f"@table\nclass Wide:\n{fields}Wide(1)  # <-")
    assert told.message.endswith("by their names: Wide(f0=…, f1=…, f2=…, …)")


HEAD = "from typing import Annotated\nfrom hotmig.schema import *\n"
A = "@table\nclass A:\n    id: Annotated[int, Key]\n"


def failure(file: Path) -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        load(file)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("def half():\n    return 1 / 0\nhalf()\n", 4, "ZeroDivisionError: division by zero"),
        ("x: Annotated[int, Check(3)]\n", 3, "TypeError: Check takes text, not 3"),
        ("@table\nclass A:\n    x: list\n", 5, "x: list has no column type"),
        ("x = (\n", 3, "syntax error: '(' was never closed"),
    ],
)
@pytest.mark.parametrize("folder", ["tables", "tables/shop"])
@pytest.mark.parametrize("marked", [True, False], ids=["package", "package without __init__.py"])
def test_a_mistake_in_a_package_has_its_own_line(
    text: str, line: int, message: str, folder: str, marked: bool, write: Write, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    if marked:
        for each in {"tables", folder}:
            (tmp_path / each / "__init__.py").touch()
    (tmp_path / folder / "items.py").write_text(HEAD + text)
    error = failure(write(f"import {folder.replace('/', '.')}.items"))
    assert error.message == f"{tmp_path}/{folder}/items.py:{line}: {message}"


def test_what_is_installed_is_not_to_blame(write: Write, tmp_path: Path) -> None:
    # The line to be corrected is the one that calls it.
    installed = tmp_path / "venv" / "lib" / "python3" / "site-packages"
    installed.mkdir(parents=True)
    (tmp_path / "venv" / "tool.py").touch()
    (installed / "library.py").write_text("def broken():\n    1 / 0\n")
    file = write(f"import sys\nsys.path.append({str(installed)!r})\nimport library\nlibrary.broken()")
    assert failure(file).message == f"{file}:5: ZeroDivisionError: division by zero"


def test_modules_that_need_a_name_of_each_other(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{HEAD}from b import B\n{A}    b: B\n")
    (tmp_path / "b.py").write_text(f"{HEAD}from a import A\n{A.replace('A:', 'B:')}    a: A\n")
    error = failure(write("import a"))
    assert error.message.startswith(f"{tmp_path}/b.py:3: ImportError: cannot import name 'A'")
    assert 'write "import a", and "a.Name" in quotes' in (error.hint or "")


def test_a_module_that_needs_a_name_of_the_schema_module(write: Write, tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(f"{HEAD}from schema import A\n")
    error = failure(write(f"import b\n{A}"))
    assert error.message.startswith(f"{tmp_path}/b.py:3: ImportError: cannot import name 'A' from 'schema'")
    assert (error.hint or "").startswith("the two modules import each other: ")
    assert '"schema.Name" in quotes' in (error.hint or "")


def test_an_attribute_of_a_module_that_has_not_run_yet(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{HEAD}import b\n{A}    b: b.B\n")
    (tmp_path / "b.py").write_text(f"{HEAD}import a\n{A.replace('A:', 'B:')}    a: a.A\n")
    error = failure(write("import a"))
    assert error.message.startswith(f"{tmp_path}/b.py:7: AttributeError: partially initialized module 'a'")
    assert '"a.Name" in quotes' in (error.hint or "")
    (tmp_path / "b.py").write_text(f"{HEAD}import schema\n{A.replace('A:', 'B:')}    a: schema.A\n")
    error = failure(write(f"import b\n{A}"))
    assert error.message == f"{tmp_path}/b.py:7: AttributeError: module 'schema' has no attribute 'A'"
    assert '"schema.Name" in quotes' in (error.hint or "")


def test_the_way_that_the_hint_names_works(write: Write, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{HEAD}import b\n{A}    b: 'b.B'\n")
    (tmp_path / "b.py").write_text(f"{HEAD}import a\n{A.replace('A:', 'B:')}    a: 'a.A'\n")
    assert sorted(table.name for table in load(write("import a")).catalog.tables) == ["a", "b"]


def test_a_package_without_init_is_read_anew_each_time(write: Write, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    for name in ("one", "two"):
        (tmp_path / "tables" / "items.py").write_text(f"{HEAD}@table\nclass A:\n    {name}: int\n")
        made = load(write("import tables.items"))
        assert [[column.name for column in table.columns] for table in made.catalog.tables] == [[name]]


def test_what_is_imported_need_not_be_imported_again(mistake: Mistake) -> None:
    assert mistake("x = key  # <-").hint == "did you mean Key?"
    assert mistake("@table\nclass A:\n    x: 'Annotated[int, Uniqe]'  # <-").hint == "did you mean Unique?"
