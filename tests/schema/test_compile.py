"""A module can say whatever a table of SQLite can be: each declaration makes the same catalog as the SQL beside it."""

from __future__ import annotations

import pytest

from hotmig.catalog.fingerprint import canonical

from .conftest import Ddl, Load

SAME = {
    "names by convention": (
        """
        @table
        class OrderLine:
            id: Annotated[int, Key] = auto()
        @table
        class HTTPLog2:
            id: Annotated[int, Key] = auto()
        """,
        "CREATE TABLE order_line(id INTEGER PRIMARY KEY); CREATE TABLE http_log2(id INTEGER PRIMARY KEY)",
    ),
    "any name": (
        """
        @table("a table, \\"quoted\\" [so]")
        class A:
            x: Annotated[int, Column("select"), Key]
            y: Annotated[str, Column("é ` ' \\"")]
            z: Annotated[str | None, Column("")]
        """,
        """CREATE TABLE "a table, ""quoted"" [so]"("select" INTEGER PRIMARY KEY, "é ` ' """
        + '""" TEXT NOT NULL, "" TEXT)',
    ),
    "the empty name": ('@table("")\nclass A:\n    x: int', 'CREATE TABLE ""(x INTEGER NOT NULL)'),
    "autoincrement": (
        "@table\nclass A:\n    id: Annotated[int, Key(autoincrement=True, on_conflict='REPLACE')] = auto()",
        "CREATE TABLE a(id INTEGER PRIMARY KEY ON CONFLICT REPLACE AUTOINCREMENT)",
    ),
    "NOT NULL on the rowid, where it has no effect, on demand": (
        "@table\nclass A:\n    id: Annotated[int, Key(autoincrement=True), NotNull] = auto()",
        "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL)",
    ),
    "a descending key is no rowid": (
        "@table\nclass A:\n    id: Annotated[int | None, Key(descending=True)]",
        "CREATE TABLE a(id INTEGER PRIMARY KEY DESC)",
    ),
    "INT is no rowid": (
        "@table\nclass A:\n    id: Annotated[int, ColumnType('INT'), Key]",
        "CREATE TABLE a(id INT NOT NULL PRIMARY KEY)",
    ),
    "a key that can be NULL": (
        "@table\nclass A:\n    id: Annotated[str | None, Key]",
        "CREATE TABLE a(id TEXT PRIMARY KEY)",
    ),
    "no key": ("@table\nclass A:\n    x: int", "CREATE TABLE a(x INTEGER NOT NULL)"),
    "a composite key by fields": (
        """
        @table(without_rowid=True)
        class A:
            x: Annotated[int, Key]
            y: Annotated[str, Key(collate="NOCASE", descending=True)]
        """,
        "CREATE TABLE a(x INTEGER, y TEXT, PRIMARY KEY (x, y COLLATE NOCASE DESC)) WITHOUT ROWID",
    ),
    "a composite key by the table, in its own order": (
        """
        @table(key=Key("y COLLATE NOCASE DESC", "x", on_conflict="FAIL"))
        class A:
            x: int
            y: str | None
        """,
        "CREATE TABLE a(x INTEGER NOT NULL, y TEXT, PRIMARY KEY (y COLLATE NOCASE DESC, x) ON CONFLICT FAIL)",
    ),
    "one key column by the table": (
        "@table(key='id')\nclass A:\n    id: int = auto()",
        "CREATE TABLE a(id INTEGER PRIMARY KEY)",
    ),
    "strict": (
        """
        @table(strict=True, without_rowid=True)
        class A:
            k: Annotated[object, ColumnType("ANY"), Key]
            a: int
            b: float
            c: str
            d: bytes
            e: Annotated[object, ColumnType("ANY")]
        """,
        """CREATE TABLE a(k ANY PRIMARY KEY, a INTEGER NOT NULL, b REAL NOT NULL, c TEXT NOT NULL, d BLOB NOT NULL,
            e ANY) STRICT, WITHOUT ROWID""",
    ),
    "types of one's own": (
        """
        @table
        class A:
            a: Annotated[str, ColumnType("NVARCHAR(160)")]
            b: Annotated[decimal.Decimal | None, ColumnType("DECIMAL(10, 2)")]
            c: Annotated[object, ColumnType("")]
            d: Annotated[typing.Any, ColumnType(""), NotNull]
            e: Annotated[float, ColumnType("DOUBLE PRECISION")]
            f: Annotated[str, ColumnType("odd-type")]
        """,
        """CREATE TABLE a(a NVARCHAR(160) NOT NULL, b DECIMAL(10,2), c, d NOT NULL, e DOUBLE PRECISION NOT NULL,
            f "odd-type" NOT NULL)""",
    ),
    "defaults": (
        """
        @table
        class A:
            a: int = -1
            b: float = 2
            c: str = "it's"
            d: bytes = b"\\x00\\xff"
            e: bool = True
            f: str | None = None
            g: Annotated[datetime.datetime, Default(sql="CURRENT_TIMESTAMP")] = auto()
            h: Annotated[str, Default(sql="lower(hex(randomblob(8)))")] = auto()
            i: Annotated[str | None, Default(sql="NULL")] = auto()
            j: float = float("-inf")
            k: int = -2**63
        """,
        """CREATE TABLE a(a INTEGER NOT NULL DEFAULT -1, b REAL NOT NULL DEFAULT 2.0, c TEXT NOT NULL DEFAULT 'it''s',
            d BLOB NOT NULL DEFAULT x'00FF', e INTEGER NOT NULL DEFAULT 1, f TEXT,
            g TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, h TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
            i TEXT DEFAULT NULL, j REAL NOT NULL DEFAULT -9e999, k INTEGER NOT NULL DEFAULT -9223372036854775808)""",
    ),
    "generated columns": (
        """
        @table
        class A:
            x: int
            y: Annotated[int | None, Generated("x + 1")] = auto()
            z: Annotated[int, Generated("x + 2", stored=True), Collate("NOCASE")] = auto()
        """,
        """CREATE TABLE a(x INTEGER NOT NULL, y INTEGER AS (x + 1),
            z INTEGER NOT NULL COLLATE NOCASE GENERATED ALWAYS AS (x + 2) STORED)""",
    ),
    "unique": (
        """
        @table(unique=["a", ("a", "b COLLATE NOCASE"), Unique("b", "c", on_conflict="IGNORE")])
        class A:
            a: Annotated[str, Collate("RTRIM")]
            b: Annotated[str, Unique(collate="NOCASE", on_conflict="REPLACE")]
            c: Annotated[str | None, Unique]
        """,
        """CREATE TABLE a(a TEXT NOT NULL COLLATE RTRIM, b TEXT NOT NULL, c TEXT,
            UNIQUE (b COLLATE NOCASE) ON CONFLICT REPLACE, UNIQUE (c), UNIQUE (a), UNIQUE (a, b COLLATE NOCASE),
            UNIQUE (b, c) ON CONFLICT IGNORE)""",
    ),
    "conflict clauses of NOT NULL": (
        "@table\nclass A:\n    a: Annotated[int, NotNull(on_conflict='REPLACE')] = 1",
        "CREATE TABLE a(a INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 1)",
    ),
    "checks": (
        """
        Money = Annotated[int, Check("price >= 0 -- never negative")]
        @table(checks=["price < 10 OR kind = 'a'", Check("kind <> ''", name="some kind")])
        class A:
            price: Money
            kind: Annotated[Annotated[str, Check("length(kind) < 9")], Check("kind <> 'x'", name="no_x")] = "a"
        """,
        """CREATE TABLE a(price INTEGER NOT NULL CHECK (price >= 0), kind TEXT NOT NULL DEFAULT 'a'
            CHECK (length(kind) < 9), CHECK (price < 10 OR kind = 'a'),
            CONSTRAINT no_x CHECK (kind <> 'x'),
            CONSTRAINT "some kind" CHECK (kind <> ''))""",
    ),
    "Enum and Literal allow their values only": (
        """
        class Tier(enum.Enum):
            BASIC = "basic"
            GOLD = "gold"
        class Level(enum.IntEnum):
            LOW = 1
            HIGH = 2
        @table
        class A:
            a: Tier = Tier.BASIC
            b: Level | None = None
            c: typing.Literal["x", "it's", None] = None
            d: Annotated[Tier, ColumnType("TEXT")]
        """,
        """CREATE TABLE a(a TEXT NOT NULL DEFAULT 'basic' CHECK (a IN ('basic', 'gold')),
            b INTEGER CHECK (b IN (1, 2)), c TEXT CHECK (c IN ('x', 'it''s')), d TEXT NOT NULL)""",
    ),
    "indexes": (
        """
        @table(indexes=["a", Index("b DESC", "a COLLATE NOCASE"), Index("lower(a)", unique=True, where="b > 0"),
                        Index("a || b", "b", name="an index")])
        class A:
            a: str
            b: Annotated[int, Index]
            c: Annotated[str, Index(where="c <> ''", unique=True, name="cs")]
        """,
        """CREATE TABLE a(a TEXT NOT NULL, b INTEGER NOT NULL, c TEXT NOT NULL); CREATE INDEX ix_a_a ON a(a);
            CREATE INDEX ix_a_b_DESC_a_COLLATE_NOCASE ON a(b DESC, a COLLATE NOCASE);
            CREATE UNIQUE INDEX ix_a_lower_a ON a(lower(a)) WHERE b > 0; CREATE INDEX "an index" ON a(a || b, b);
            CREATE INDEX ix_a_b ON a(b); CREATE UNIQUE INDEX cs ON a(c) WHERE c <> ''""",
    ),
    "an index over a column whose name looks like an expression": (
        """
        @table(indexes=[Index("a DESC", name="i"), Index("(a) DESC", name="j")])
        class A:
            x: Annotated[str, Column("a DESC")]
            a: str
        """,
        """CREATE TABLE a("a DESC" TEXT NOT NULL, a TEXT NOT NULL); CREATE INDEX i ON a("a DESC");
            CREATE INDEX j ON a(a DESC)""",
    ),
    "references": (
        """
        @table
        class Customer:
            id: Annotated[int, Key] = auto()
            code: Annotated[str, ColumnType("CHAR(3)"), Unique]
        @table("orders")
        class Order:
            customer: Customer
            other: Annotated[Customer, References(on_delete="SET NULL", on_update="CASCADE", deferred=True)] | None
            by_code: Annotated[Customer, References(Customer, "code")]
            customer_ref: Annotated[int, References("Customer")]
            code: Annotated[str | None, References("customer", "code"), References(Customer)]
            named: Annotated[Customer, Column("CustomerNo")]
        """,
        """CREATE TABLE customer(id INTEGER PRIMARY KEY, code CHAR(3) NOT NULL UNIQUE);
        CREATE TABLE orders(customer_id INTEGER NOT NULL REFERENCES customer(id),
            other_id INTEGER REFERENCES customer ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
            by_code_code CHAR(3) NOT NULL REFERENCES customer(code),
            customer_ref INTEGER NOT NULL REFERENCES customer(id),
            code TEXT REFERENCES customer(code) REFERENCES customer(id),
            CustomerNo INTEGER NOT NULL REFERENCES customer(id))""",
    ),
    "composite references": (
        """
        @table
        class Room:
            house: Annotated[str, Key]
            number: Annotated[int, Key]
        @table(foreign_keys=[ForeignKey(("n", "h"), "Room", ("number", "house"), on_delete="CASCADE")])
        class Guest:
            room: Room | None
            h: str
            n: int
        @table
        class Lamp:
            room: Annotated[Room, Column("a", "b"), Key]
        @table
        class Bulb:
            lamp: Lamp
        """,
        """CREATE TABLE room(house TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (house, number));
        CREATE TABLE guest(room_house TEXT, room_number INTEGER, h TEXT NOT NULL, n INTEGER NOT NULL,
            FOREIGN KEY (room_house, room_number) REFERENCES room(house, number),
            FOREIGN KEY (n, h) REFERENCES room(number, house) ON DELETE CASCADE);
        CREATE TABLE lamp(a TEXT NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b),
            FOREIGN KEY (a, b) REFERENCES room(house, number));
        CREATE TABLE bulb(lamp_a TEXT NOT NULL, lamp_b INTEGER NOT NULL,
            FOREIGN KEY (lamp_a, lamp_b) REFERENCES lamp(a, b))""",
    ),
    "references forward, to itself and in a circle": (
        """
        @table
        class Employee:
            id: Annotated[int, Key] = auto()
            boss: Annotated["Employee", References(deferred=True)] | None = None
            team: "Team"
        @table
        class Team:
            id: Annotated[int, Key] = auto()
            lead: Employee | None
        """,
        """CREATE TABLE employee(id INTEGER PRIMARY KEY,
            boss_id INTEGER REFERENCES employee(id) DEFERRABLE INITIALLY DEFERRED,
            team_id INTEGER NOT NULL REFERENCES team(id));
        CREATE TABLE team(id INTEGER PRIMARY KEY, lead_id INTEGER REFERENCES employee(id))""",
    ),
    "references that SQLite can't check": (
        """
        @table(foreign_keys=[ForeignKey("a", "gone", "x", unchecked=True)])
        class A:
            a: Annotated[int, References("gone", unchecked=True)]
            b: Annotated[int, References("a", "a", unchecked=True)]
        """,
        """CREATE TABLE a(a INTEGER NOT NULL REFERENCES gone, b INTEGER NOT NULL REFERENCES a(a),
            FOREIGN KEY (a) REFERENCES gone(x))""",
    ),
    "extension records": (
        """
        @table
        class Student:
            id: Annotated[int, Key] = auto()
        @table
        class StudentEmail:
            student: Annotated[Student, Key]
            email: str
        @table
        class StudentNote:
            student: Student
            note: str
        """,
        """CREATE TABLE student(id INTEGER PRIMARY KEY);
        CREATE TABLE student_email(student_id INTEGER PRIMARY KEY REFERENCES student(id), email TEXT NOT NULL);
        CREATE TABLE student_note(student_id INTEGER NOT NULL REFERENCES student(id), note TEXT NOT NULL)""",
    ),
    "virtual tables": (
        """
        sql("CREATE VIRTUAL TABLE words USING fts5(word, content='')")
        """,
        "CREATE VIRTUAL TABLE words USING fts5(word, content='')",
    ),
    "views and triggers": (
        """
        @table
        class A:
            x: int
        @view(sql="SELECT x, x + 1 AS y FROM a")
        class B: ...
        @view("named", sql="CREATE VIEW named(p) AS SELECT x FROM a")
        class C:
            p: int
        trigger("CREATE TRIGGER t AFTER INSERT ON a WHEN new.x > 1 BEGIN DELETE FROM a WHERE x = new.x; END")
        trigger("CREATE TRIGGER u INSTEAD OF UPDATE OF y ON b BEGIN SELECT RAISE(ABORT, 'no'); END;")
        """,
        """CREATE TABLE a(x INTEGER NOT NULL); CREATE VIEW b AS SELECT x, x + 1 AS y FROM a;
        CREATE VIEW named(p) AS SELECT x FROM a;
        CREATE TRIGGER t AFTER INSERT ON a WHEN new.x > 1 BEGIN DELETE FROM a WHERE x = new.x; END;
        CREATE TRIGGER u INSTEAD OF UPDATE OF y ON b BEGIN SELECT RAISE(ABORT, 'no'); END""",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_module_says_what_the_sql_says(name: str, schema: Load, canonical_of: Ddl) -> None:
    module, script = SAME[name]
    assert canonical(schema(module).catalog) == canonical_of(script)


@pytest.mark.parametrize("name", SAME)
def test_the_statements_of_a_schema_make_its_catalog(name: str, schema: Load, canonical_of: Ddl) -> None:
    made = schema(SAME[name][0])
    script = [*made.create_tables, *(sql for _, sql in made.create_indexes), *made.create_virtual_tables]
    assert canonical_of(";\n".join([*script, *made.create_views, *made.create_triggers])) == canonical(made.catalog)


def test_two_thousand_columns(schema: Load) -> None:
    fields = "\n".join(f"    c{number}: int = 0" for number in range(1999))
    made = schema(f"@table\nclass Wide:\n    id: Annotated[int, Key] = auto()\n{fields}\n")
    assert len(made.catalog.tables[0].columns) == 2000
