"""Data migrations in a schema module: their names, their order, what they change of the hash, and every mistake."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hotmig.errors import SchemaError
from hotmig.schema.load import load

from .conftest import Load, Mistake, Write, each_mistake

TABLE = "@table\nclass A:\n    id: Annotated[int, Key] = auto()\n"


def migration(name: str, rest: str = "", mark: bool = False) -> str:
    return f"@data_migration({name!r}{rest}){'  # <-' if mark else ''}\ndef f(db): ...\n"


NO_NAMES = ("1_x", "001", "001_", "001_X", "001-x", "0001_x", "001__x", "001_x_", " 001_x", "001_x\n", "001_é", "")
MISTAKES = {
    **{
        f"a name like {name!r}": (TABLE + migration(name, mark=True), "is no name of a data migration", "three digits")
        for name in NO_NAMES
    },
    "a name that is no text": (
        TABLE + "@data_migration(1)  # <-\ndef f(db): ...\n", "1 is no name of a data migration", "three digits"
    ),
    "no name at all": (TABLE + "@data_migration  # <-\ndef f(db): ...\n", "needs a name", '@data_migration("001_'),
    "another moment": (TABLE + migration("001_x", ", when='later'", True), "when='later' of 001_x", 'when="after"'),
    "one former name": (TABLE + migration("001_x", ", formerly='x'", True), "formerly= of 001_x", "formerly="),
    "former names that are none": (
        TABLE + migration("001_x", ", formerly=(1,)", True), "formerly= of 001_x", "formerly="
    ),
    "a former number": (TABLE + migration("001_x", ", formerly=7", True), "formerly= of 001_x", "formerly="),
    "a generator": (
        TABLE + "@data_migration('001_x')  # <-\ndef f(db):\n    yield\n", "001_x is a generator", "plain function"
    ),
    "a coroutine": (
        TABLE + "@data_migration('001_x')  # <-\nasync def f(db): ...\n", "001_x is a coroutine", "plain function"
    ),
    "no argument": (TABLE + "@data_migration('001_x')  # <-\ndef f(): ...\n", "can't be called", "def name(db"),
    "two arguments": (TABLE + "@data_migration('001_x')  # <-\ndef f(a, b): ...\n", "can't be called", "def name(db"),
    "a name twice": (
        TABLE + migration("001_x") + migration("001_x", mark=True),
        "data migration 001_x is there twice: 001_x in line 5 is the other",
        "number",
    ),
    "a number twice": (
        TABLE + migration("001_x") + migration("001_y", mark=True),
        "data migration 001_y is there twice: 001_x in line 5 is the other",
        "number",
    ),
    "a former name that is another's name": (
        TABLE + migration("001_x") + migration("002_y", ", formerly=('001_x',)", True),
        "'001_x', which 002_y was called formerly, is there twice",
        "names of its own",
    ),
    "a former name of two": (
        TABLE + migration("001_x", ", formerly=('old',)") + migration("002_y", ", formerly=('old',)", True),
        "'old', which 002_y was called formerly, is there twice",
        "names of its own",
    ),
    "its own former name": (
        TABLE + migration("001_x", ", formerly=('001_x',)", True), "'001_x', which 001_x was called", "names of its own"
    ),
    "no first one": (
        TABLE + migration("002_y", mark=True), "data migration 001 is missing before 002_y", "without a gap"
    ),
    "a gap": (
        TABLE + migration("003_z", mark=True) + migration("001_x"), "data migration 002 is missing before 003_z", "gap"
    ),
    "a place of marks that is no name": (
        TABLE + "adopt_marks('t', name=3, applied='at')  # <-\n", "names of the old database, not 3", "adopt_marks("
    ),
    "a name with a NUL": (
        TABLE + "adopt_marks('t\\0', name='n', applied='at')  # <-\n", "old database, not 't\\x00'", "adopt_marks("
    ),
    "half of a surrogate pair": (
        TABLE + "adopt_marks('t', name='\\ud800', applied='at')  # <-\n", "old database, not '\\ud800'", "adopt_marks("
    ),
    "two places of marks": (
        TABLE + "adopt_marks('t', name='n', applied='at')\nadopt_marks('u', name='n', applied='at')  # <-\n",
        "adopt_marks() is there twice: the other is in line 5",
        "used last",
    ),
}  # fmt: skip


@each_mistake(MISTAKES)
def test_each_mistake_names_its_line(module: str, message: str, hint: str, mistake: Mistake) -> None:
    told = mistake(module)
    assert message in told.message
    assert hint in told.hint


def test_the_form_comes_before_duplicates_and_these_before_gaps(write: Write) -> None:
    everything = [migration("002_x"), migration("002_y"), migration("3_form")]
    for told in ("'3_form' is no name", "002_y is there twice", "001 is missing before 002_x"):
        with pytest.raises(SchemaError, match=told):
            load(write(TABLE + "".join(everything)))
        everything.pop()


def test_they_are_in_the_order_of_their_numbers(schema: Load) -> None:
    found = schema(TABLE + migration("002_y", ", when='after', formerly=['y1', 'y2']") + migration("001_x"))
    assert [(each.name, each.when, each.formerly, each.place.line) for each in found.data_migrations] == [
        ("001_x", "cutover", (), 7),
        ("002_y", "after", ("y1", "y2"), 5),
    ]


def test_their_names_are_in_the_hash_and_nothing_else_of_them(schema: Load) -> None:
    plain, one = schema(TABLE).hash, schema(TABLE + migration("001_x")).hash
    assert len({plain, one, schema(TABLE + migration("001_y")).hash}) == 3
    assert schema(TABLE + migration("001_x", ", when='after', formerly=('x',)").replace("...", "return 3")).hash == one
    assert schema(migration("001_x") + TABLE).hash == one
    assert schema(TABLE + migration("001_x")).rows_hash == plain
    assert schema(TABLE + "adopt_marks('t', name='n', applied='at')").hash == plain


def test_rules_for_rows_and_names_of_data_migrations_are_both_in_the_hash(schema: Load) -> None:
    ruled = TABLE.replace("@table", "@table(duplicates=Duplicates(key='id', compare=(), prefer='id'))")
    texts = (TABLE, ruled, TABLE + migration("001_x"), ruled + migration("001_x"))
    found = [schema(text) for text in texts]
    assert len({each.hash for each in found}) == 4
    assert [each.rows_hash for each in found] == [found[0].hash, found[1].hash] * 2


def test_those_of_a_module_beside_it_belong_to_the_schema(write: Write) -> None:
    file = write(TABLE + "import steps\n" + migration("002_y"))
    (file.parent / "steps.py").write_text("from hotmig.schema import data_migration\n" + migration("001_x"))
    assert [each.name for each in load(file).data_migrations] == ["001_x", "002_y"]
    (file.parent / "steps.py").write_text("from hotmig.schema import data_migration\n" + migration("002_x"))
    with pytest.raises(SchemaError, match=r"002_y is there twice: 002_x in .*steps\.py:2 is the other"):
        load(file)


def test_outside_of_hotmig_the_function_stays_a_function(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(
        "from hotmig.schema import adopt_marks, data_migration\n@data_migration('nothing is judged here')\n"
        "def double(x):\n    return 2 * x\nadopt_marks('t', name='n', applied='at')\n"
    )
    spec = importlib.util.spec_from_file_location("app", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.double(21) == 42


def test_names_of_an_earlier_tool_may_be_odd(schema: Load) -> None:
    adopted = schema(TABLE + "adopt_marks('two\\nlines', name='a\\u00a0b', applied='at')\n").adopted
    assert adopted is not None
    assert (adopted.table, adopted.name) == ("two\nlines", "a\u00a0b")
