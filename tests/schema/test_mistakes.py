"""Every mistake in a module is one line with file and line number, and a hint that says the fix."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hotmig.errors import SchemaError
from hotmig.schema.load import load

from .conftest import Load, Mistake, Write, each_mistake

TABLE = "@table\nclass A:\n    id: Annotated[int, Key] = auto()\n    x: int\n"

MISTAKES = {
    "Was of a number": (
        "@table\nclass A:\n    x: Annotated[int, Was(3)]  # <-",
        "Was takes text, not 3",
        "correct",
    ),
    "From of a number": ("@table\nclass A:\n    x: Annotated[int, From(3)]  # <-", "From takes text, not 3", "correct"),
    "Check of a number": ("@table\nclass A:\n    x: Annotated[int, Check(3)]  # <-", "Check takes text", "correct"),
    "was of a number": ("@table(was=3)  # <-\nclass A:\n    x: int", "@table takes text, not 3", "correct"),
    "a key that is a number": ("@table(key=[3])  # <-\nclass A:\n    x: int", "key= takes text, not 3", "correct"),
    "one index that is no list": (
        "@table(indexes='x')  # <-\nclass A:\n    x: int",
        "indexes= takes a list",
        "correct",
    ),
    "one unique that is no list": ("@table(unique='x')  # <-\nclass A:\n    x: int", "unique= takes a list", "correct"),
    "a function that is a table": ("@table  # <-\ndef f(): ...", "@table stands above a class, not above", "correct"),
    "a generated column of itself": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Generated('y + x')] = auto()  # <-",
        'table a: generated column loop on "y"',
        "can't be computed from itself",
    ),
    "generated columns of one another": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Generated('z')] = auto()\n"
        "    z: Annotated[int, Generated('y', stored=True)] = auto()  # <-",
        "table a: generated column loop",
        "can't be computed from itself",
    ),
    "GeneratorExit": ("raise GeneratorExit  # <-", "GeneratorExit", "correct the line"),
    "a table twice": (
        TABLE + "@table('A')  # <-\nclass B:\n    x: int\n",
        "table A is declared twice: A in line 2 is the other",
        "another name",
    ),
    "a class twice": (TABLE + TABLE.replace("@table", "@table  # <-"), "declared twice", "another name"),
    "two columns of one name": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Column('X')]  # <-\n",
        "a has two columns X: the other is x, line 4",
        "Column",
    ),
    "a type without column type": ("@table\nclass A:\n    x: list  # <-", "x: list has no column type", "ColumnType"),
    "a union": ("@table\nclass A:\n    x: int | str  # <-", "x: int | str has no column type", "ColumnType"),
    "object without a type": ("@table\nclass A:\n    x: object  # <-", "object has no column type", "ColumnType"),
    "an Enum of mixed values": (
        "class E(enum.Enum):\n    A = 1\n    B = 'b'\n@table\nclass A:\n    x: E  # <-",
        "x: E has no column type",
        "ColumnType",
    ),
    "a reference to a dataclass that is no table": (
        "import dataclasses\n@dataclasses.dataclass\nclass B:\n    x: int\n@table\nclass A:\n    b: B  # <-",
        "b: B has no column type",
        "put @table above B",
    ),
    "References to a class that is no table": (
        "class B: ...\n@table\nclass A:\n    b: Annotated[int, References(B)]  # <-",
        "B is no table",
        "put @table above the class",
    ),
    "References to nothing": (
        "@table\nclass A:\n    b: Annotated[int, References('bee')]  # <-",
        "there is no table bee",
        "unchecked=True",
    ),
    "References without a table": (
        "@table\nclass A:\n    b: Annotated[int, References(on_delete='CASCADE')]  # <-",
        "References needs the table it refers to",
        "References",
    ),
    "a reference to a table without key": (
        "@table\nclass A:\n    x: int\n@table\nclass B:\n    a: A  # <-",
        "a has no key to refer to",
        "mark a field of A with Key",
    ),
    "a reference to a column that is not unique": (
        TABLE + "@table\nclass B:\n    a: Annotated[int, References(A, 'x')]  # <-",
        "b refers to a (x), which is not unique there",
        "Unique",
    ),
    "a reference to an unknown column": (
        TABLE + "@table\nclass B:\n    a: Annotated[int, References(A, 'y')]  # <-",
        "a has no column y",
        "its columns are id, x",
    ),
    "a reference with too few columns": (
        "@table(foreign_keys=[ForeignKey('x', 'A', ('x', 'y'))], key=('x', 'y'))  # <-\n"
        "class A:\n    x: int\n    y: int",
        "a reference of 1 column to 2 of a: x, y",
        "as many columns on both sides",
    ),
    "keys that refer to each other": (
        "@table\nclass A:\n    b: Annotated['B', Key]  # <-\n@table\nclass B:\n    a: Annotated[A, Key]",
        "the key of a refers to itself by way of b",
        "take one reference out",
    ),
    "an unknown action": (
        TABLE + "@table\nclass B:\n    a: Annotated[A, References(on_delete='CASCAD')]  # <-",
        "on_delete='CASCAD' is unknown to SQLite",
        "CASCADE",
    ),
    "an unknown conflict clause": (
        "@table\nclass A:\n    a: Annotated[int, Unique(on_conflict='SKIP')]  # <-",
        "on_conflict='SKIP' is unknown to SQLite",
        "IGNORE",
    ),
    "an unknown column in an index": (
        "@table(indexes=[\n    Index('x'),\n    Index('placed'),  # <-\n])\nclass A:\n    x: int\n    placed_at: str",
        "a has no column placed",
        "did you mean placed_at?",
    ),
    "an unknown column in an index expression": (
        "@table(indexes=[Index('lower(y)')])  # <-\nclass A:\n    x: int",
        "an index of a: no such column: y",
        "correct the name",
    ),
    "an unknown column in the condition of an index": (
        "@table\nclass A:\n    x: Annotated[int, Index(where='y > 0')]  # <-",
        "an index of a: no such column: y",
        "correct the name",
    ),
    "two indexes of one name": (
        "@table(indexes=['x',\n    Index('x')])  # <-\nclass A:\n    x: int",
        "an index of a: index ix_a_x already exists",
        "another name",
    ),
    "an index without columns": (
        "@table(indexes=[Index()])  # <-\nclass A:\n    x: int",
        "Index needs columns",
        "Index",
    ),
    "an unknown column in a key": (
        "@table(key=['y'])  # <-\nclass A:\n    x: int",
        "a has no column y",
        "its columns are x",
    ),
    "an expression in a unique constraint": (
        "@table(unique=['lower(x)'])  # <-\nclass A:\n    x: str",
        "lower(x) is no column of a",
        "Index(…, unique=True)",
    ),
    "an unknown column in a check": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Check('z > 0')]  # <-",
        "table a: no such column: z",
        "correct the name",
    ),
    "an unknown column in a check of the table": (
        "@table(checks=[\n    'x > 0',\n    Check('z > 0'),  # <-\n])\nclass A:\n    x: int",
        "table a: no such column: z",
        "correct the name",
    ),
    "a check that is not one expression": (
        "@table\nclass A:\n    x: Annotated[int, Check('x > 0), CHECK (x < 9')]  # <-",
        "is not one SQL expression",
        "take the ')' away",
    ),
    "an empty check": ("@table\nclass A:\n    x: Annotated[int, Check('')]  # <-", "'' is not one SQL", "write one"),
    "an open quote": ('@table\nclass A:\n    x: Annotated[int, Check("x <> \'a")]  # <-', "cannot read SQL", "quotes"),
    "an unknown function in a generated column": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Generated('nope(x)')] = auto()  # <-",
        "table a: no such function: nope",
        "extension",
    ),
    "an unknown collation": (
        "@table\nclass A:\n    y: Annotated[str, Collate('KLINGON')]  # <-",
        "table a: no such collation sequence: KLINGON",
        "extension",
    ),
    "a generated column that Python must give": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Generated('x')]  # <-",
        "y is generated: Python can't give it a value",
        "write = auto()",
    ),
    "auto() that nothing fills": (
        "@table\nclass A:\n    x: int = auto()  # <-",
        "x = auto(): nothing fills x, which is NOT NULL",
        "Default(sql=…)",
    ),
    "None for NOT NULL": ("@table\nclass A:\n    x: int = None  # <-", "x is NOT NULL and has None", "| None"),
    "a default without form in SQLite": (
        "@table\nclass A:\n    x: Annotated[object, ColumnType('')] = frozenset()  # <-",
        "the default of x: frozenset() has no form in SQLite",
        "Default(sql=…)",
    ),
    "a default that is too large": (
        "@table\nclass A:\n    x: int = 2**63  # <-",
        "does not fit into 64 bits",
        "Default",
    ),
    "NaN": ("@table\nclass A:\n    x: float = float('nan')  # <-", "SQLite stores NaN as NULL", "Default"),
    "a NUL character": ("@table\nclass A:\n    x: str = 'a\\0b'  # <-", "can't hold a NUL", "Default"),
    "two defaults": (
        "@table\nclass A:\n    x: Annotated[int, Default(sql='1')] = 2  # <-",
        "x has two defaults",
        "keep Default(sql=…)",
    ),
    "a default that SQLite takes for a text": (
        "@table\nclass A:\n    x: Annotated[str, Default(sql='basic')] = auto()  # <-",
        "is a name, and SQLite would take it as a text",
        """write Default(sql="'basic'")""",
    ),
    "a default that is no constant": (
        "@table\nclass A:\n    x: int\n    y: Annotated[int, Default(sql='x + 1')] = auto()  # <-",
        "table a: default value of column [y] is not constant",
        "correct it",
    ),
    "a default_factory": (
        "import dataclasses\n@table\nclass A:\n    x: str = dataclasses.field(default_factory=str)  # <-",
        "the default_factory of x is Python",
        "Default(sql=…)",
    ),
    "a type that says too much": (
        "@table\nclass A:\n    x: Annotated[str, ColumnType('TEXT NOT NULL')]  # <-",
        "ColumnType('TEXT NOT NULL') is no type alone",
        "markers",
    ),
    "a type that STRICT does not know": (
        "@table(strict=True)\nclass A:\n    y: int\n    x: Annotated[str, ColumnType('VARCHAR(9)')]  # <-",
        'unknown datatype for a.x: "VARCHAR(9)"',
        "a STRICT table knows",
    ),
    "WITHOUT ROWID without a key": (
        "@table(without_rowid=True)  # <-\nclass A:\n    x: int",
        "PRIMARY KEY missing on table a",
        "mark a field with Key",
    ),
    "AUTOINCREMENT on TEXT": (
        "@table\nclass A:\n    x: Annotated[str, Key(autoincrement=True)]  # <-",
        "AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY",
        "one INTEGER column",
    ),
    "AUTOINCREMENT on two columns": (
        "@table  # <-\nclass A:\n    x: Annotated[int, Key(autoincrement=True)]\n    y: Annotated[int, Key]",
        "AUTOINCREMENT needs a key of one INTEGER column",
        "take autoincrement=True away",
    ),
    "the key given twice": (
        "@table(key=['x'])\nclass A:\n    x: Annotated[int, Key]  # <-",
        "the key is given twice",
        "keep one of the two",
    ),
    "a table without columns": ("@table  # <-\nclass A: ...", "table a has no columns", "give the class a field"),
    "a name of hotmig's": ("@table('_id_mapping')  # <-\nclass A:\n    x: int", "taken by hotmig", "otherwise"),
    "a name of SQLite's": ("@table('sqlite_x')  # <-\nclass A:\n    x: int", "taken by SQLite", "otherwise"),
    "a marker twice": (
        "@table\nclass A:\n    x: Annotated[int, Column('a'), Column('b')]  # <-",
        "x has Column twice",
        "keep one",
    ),
    "a marker without its argument": (
        "@table\nclass A:\n    x: Annotated[int, Check]  # <-",
        "Check needs an",
        "Check(…)",
    ),
    "a table's marker on a field": (
        "@table\nclass A:\n    x: Annotated[int, ForeignKey('x', 'A')]  # <-",
        "ForeignKey belongs to the table",
        "References(…)",
    ),
    "columns of Unique on a field": (
        "@table\nclass A:\n    x: Annotated[int, Unique('x')]  # <-",
        "Unique with columns belongs to the table",
        "@table",
    ),
    "Was beside From": (
        "@table\nclass A:\n    x: Annotated[int, Was('y'), From('y + 1')]  # <-",
        "x has both Was and From",
        "From",
    ),
    "From on a generated column": (
        "@table\nclass A:\n    y: int\n    x: Annotated[int, Generated('y'), From('y')] = auto()  # <-",
        "x is generated: nothing is carried over",
        "take Was or From away",
    ),
    "one From for two columns": (
        "@table(key=('x', 'y'))\nclass A:\n    x: int\n    y: int\n"
        "@table\nclass B:\n    a: Annotated[A, From('z')]  # <-",
        "From of a has 1 entry, and the reference 2 columns",
        "give one for each of x, y",
    ),
    "several Was for a column that is no reference": (
        "@table\nclass A:\n    x: Annotated[int, Was('y', 'z')]  # <-",
        "Was of x has 2 names, and x is no reference",
        'write From("…") over these columns',
    ),
    "a Was that names a column twice": (
        TABLE + "@table\nclass B:\n    a: Annotated[A, Was('y', 'Y')]  # <-",
        "Was of a names a column twice",
        "name each old column once",
    ),
    "a Was without a name": (
        TABLE + "@table\nclass B:\n    a: Annotated[A, Was()]  # <-",
        "Was of a has 0 entries, and the reference 1 column",
        "give one for each of id",
    ),
    "several Was and a From": (
        TABLE + "@table\nclass B:\n    a: Annotated[A, Was('y', 'z'), From('y')]  # <-",
        "a has both Was and From",
        "keep one",
    ),
    "an annotation that is not there": (
        "@table\nclass A:\n    x: int\n    b: 'Bee'  # <-",
        "the annotation of b can't be evaluated: NameError: name 'Bee' is not defined",
        "import or define",
    ),
    "slots above the table": (
        "import dataclasses\n@dataclasses.dataclass(slots=True)\n@table  # <-\nclass A:\n    x: int",
        "@dataclass(slots=True) stands above the @table of A",
        "put @table on top",
    ),
    "a default before a column without, under a plain dataclass": (
        "import dataclasses\n@table\n@dataclasses.dataclass  # <-\nclass A:\n    x: int = 1\n    y: int",
        "TypeError: non-default argument 'y' follows default argument",
        "leave @dataclass out",
    ),
    "an exception": (
        "def broken():\n    return 1 / 0  # <-\nbroken()\n",
        "ZeroDivisionError: division by zero",
        "correct the line",
    ),
    "an import that fails": ("x = 1\nimport no_such_module  # <-", "ModuleNotFoundError: No module", "install it"),
    "exit": ("raise SystemExit(3)  # <-", "SystemExit: 3", "correct the line"),
    "a syntax error": ("x = 1\nclass A  # <-\n", "syntax error: expected ':'", "correct the line"),
    "a reference in quotes with None": (
        "@table\nclass A:\n    a: 'A' | None  # <-",
        "TypeError: unsupported operand",
        'Annotated["Name", …] | None',
    ),
    "dropped() of a class": (TABLE + "dropped(A)  # <-", "dropped() takes names", 'dropped("table", "column")'),
    "a database name that is a path": ("x = 1\ndatabase = 'a/b'  # <-", "database = 'a/b' is no file name", "shop"),
    "sql() of something else": ("sql('CREATE TABLE t(x)')  # <-", "CREATE VIRTUAL TABLE only", "@table"),
    "an unknown virtual table module": (
        "sql('CREATE VIRTUAL TABLE t USING nope(x)')  # <-",
        "virtual table: no such module: nope",
        "module",
    ),
    "a virtual table twice": (
        "for _ in 'ab': sql('CREATE VIRTUAL TABLE IF NOT EXISTS t USING fts5(x)')  # <-",
        "exists already",
        "delete one",
    ),
    "two statements in one": (
        "sql('CREATE VIRTUAL TABLE t USING fts5(x); SELECT 1')  # <-",
        "one statement at a time",
        "module",
    ),
}


@each_mistake(MISTAKES)
def test_mistakes(module: str, message: str, hint: str, mistake: Mistake) -> None:
    told = mistake(module)
    assert message in told.message
    assert hint in told.hint


QUOTED = {
    "a check": "@table\nclass A:\n    x: Annotated[str, Check('x <> \"basic\"')]  # <-",
    "a generated column": "@table\nclass A:\n    y: int\n"
    "    x: Annotated[str, Generated('1 || \"basic\"')] = auto()  # <-",
    "an index expression": "@table(indexes=[Index('x || \"basic\"')])  # <-\nclass A:\n    x: str",
    "the condition of an index": "@table(indexes=[Index('x', where='x <> \"basic\"')])  # <-\nclass A:\n    x: str",
    "a view": TABLE + "@view(sql='SELECT \"basic\" AS y FROM a')  # <-\nclass V: ...",
    "a trigger": TABLE + "trigger('CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT \"basic\"; END')  # <-",
    "the condition of a trigger": TABLE
    + "trigger('CREATE TRIGGER t AFTER DELETE ON a WHEN old.x = \"basic\" BEGIN SELECT 1; END')  # <-",
}


@pytest.mark.parametrize("name", QUOTED)
def test_a_double_quoted_name_that_is_no_column_would_be_a_text_in_silence(name: str, mistake: Mistake) -> None:
    told = mistake(QUOTED[name])
    assert '"basic" names no column, and SQLite would take it as a text' in told.message
    assert told.hint == "write 'basic' for the text, or correct the name"


def test_a_double_quoted_default_would_be_a_text_too(mistake: Mistake) -> None:
    told = mistake("@table\nclass A:\n    x: Annotated[str, Default(sql='\"basic\" || 1')] = auto()  # <-")
    assert "SQLite would take it as a text" in told.message
    assert told.hint == """write Default(sql="'basic' || 1")"""


def test_double_quoted_names_that_are_columns_are_fine(schema: Load) -> None:
    made = schema(
        """
        @table(checks=['"x" > 0'], indexes=['"y" || "x"', Index('"x" DESC')])
        class A:
            x: int
            y: str
        @view(sql='SELECT "a"."x" AS "any name" FROM "a"')
        class V: ...
        trigger('CREATE TRIGGER t AFTER INSERT ON "a" WHEN new."x" > 1 BEGIN DELETE FROM "a" WHERE "x" = 1; END')
        """
    )
    (table,) = made.catalog.tables
    assert [check.expression for check in table.checks] == ['"x" > 0']
    assert [each.columns[0].expression or each.columns[0].name for each in table.indexes] == ['"y" || "x"', "x"]
    assert [view.name for view in made.catalog.views] == ["v"]
    assert [trigger.name for trigger in made.catalog.triggers] == ["t"]


def test_no_module(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"schema.py: there is no schema module to read: No such file") as caught:
        load(tmp_path / "schema.py")
    assert "hotmig init" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_no_module(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="there is no schema module to read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"x = '\xff'\n", "syntax error: .*can't decode byte 0xff"),
        (b"x = 1\0\n", "syntax error: .*null bytes"),
        (b"SQLite format 3\0", "it is a database"),
    ],
)
def test_a_module_that_is_no_text(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "schema.py"
    file.write_bytes(content)
    with pytest.raises(SchemaError, match=rf"schema\.py:1: {problem}"):
        load(file)


def test_a_mistake_in_a_module_beside_it_has_that_modules_line(write: Write, tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("from hotmig.schema import table\n\n@table\nclass A:\n    x: list\n")
    with pytest.raises(SchemaError, match=r"base\.py:5: x: list has no column type"):
        load(write("import base"))
    (tmp_path / "base.py").write_text("x = 1\n1 / 0\n")
    with pytest.raises(SchemaError, match=r"base\.py:2: ZeroDivisionError"):
        load(write("import base"))
    (tmp_path / "base.py").write_text("x = 1\nif\n")
    with pytest.raises(SchemaError, match=r"base\.py:2: syntax error"):
        load(write("import base"))


def test_a_mistake_in_an_inherited_field_has_its_line(mistake: Mistake) -> None:
    told = mistake(
        """
        import dataclasses
        @dataclasses.dataclass(kw_only=True)
        class Timestamped:
            created: list  # <-
        @table
        class A(Timestamped):
            x: int
        """
    )
    assert "created: list has no column type" in told.message


def test_an_interrupt_is_not_caught(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(write("raise KeyboardInterrupt"))


def test_after_a_mistake_nothing_is_left_behind(write: Write) -> None:
    modules, path, writes = dict(sys.modules), list(sys.path), sys.dont_write_bytecode
    with pytest.raises(SchemaError):
        load(write("1 / 0"))
    assert sys.modules == modules
    assert sys.path == path
    assert sys.dont_write_bytecode is writes
