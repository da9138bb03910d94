"""Databases made by hand: what SQLite takes, and few would write."""

from __future__ import annotations

ZOO: dict[str, tuple[str, ...]] = {
    "keys": (
        "CREATE TABLE alias(id INTEGER PRIMARY KEY)",
        "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL)",
        "CREATE TABLE no_alias(id INTEGER PRIMARY KEY DESC)",
        "CREATE TABLE nullable(code TEXT PRIMARY KEY)",
        "CREATE TABLE not_nullable(code TEXT NOT NULL PRIMARY KEY ON CONFLICT REPLACE)",
        "CREATE TABLE composite(a INT, b TEXT NOT NULL, c, PRIMARY KEY (a, c))",
        "CREATE TABLE turned(a INT, b TEXT, PRIMARY KEY (b COLLATE NOCASE DESC, a) ON CONFLICT IGNORE)",
        "CREATE TABLE twice(a, b, PRIMARY KEY (a, a))",
        "CREATE TABLE packed(a TEXT, b INTEGER, PRIMARY KEY (a, b DESC)) WITHOUT ROWID",
        "CREATE TABLE packed_integer(id INTEGER PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE bare(x)",
    ),
    "types": (
        'CREATE TABLE quoted(a "check" NOT NULL, b """odd""", c "a ""b""", d "integer", e "half""")',
        "CREATE TABLE loose(a, b NOT NULL, c DEFAULT 5, d VARCHAR(160), e 'VARCHAR(MAX)', "
        'f "NOT NULL", g double precision)',
        "CREATE TABLE words(a unsigned big int, b numeric(10,2), c numeric( 10 , 2 ), "
        'd "a-b" NOT NULL, e [1], f replace)',
        "CREATE TABLE meant(a BOOLEAN NOT NULL DEFAULT 0, b DATETIME, c DATE, d TIMESTAMP NOT NULL, "
        "e bool DEFAULT TRUE)",
        "CREATE TABLE hard(a INT, b INTEGER, c REAL, d TEXT, e BLOB NOT NULL, f ANY, g ANY NOT NULL) STRICT",
        "CREATE TABLE hard_packed(a ANY PRIMARY KEY, b INT NOT NULL) STRICT, WITHOUT ROWID",
    ),
    "defaults": (
        "CREATE TABLE numbers(a INT DEFAULT -1, b INT DEFAULT +1, c INT DEFAULT 0x10, "
        "d INT DEFAULT 9223372036854775808)",
        "CREATE TABLE reals(a REAL DEFAULT 0, b REAL DEFAULT 0.5, c DOUBLE DEFAULT 0, "
        "d REAL DEFAULT 1e3, e REAL DEFAULT 9e999)",
        "CREATE TABLE texts(a TEXT DEFAULT 'it''s \"so\"', b TEXT DEFAULT \"quoted\", "
        "c TEXT DEFAULT word, d TEXT DEFAULT 5)",
        f"CREATE TABLE long_texts(a TEXT DEFAULT '{'long ' * 60}', b TEXT DEFAULT '{'x' * 300}', "
        f"c BLOB DEFAULT x'00ff5c22')",
        "CREATE TABLE made(a DEFAULT (1 + 2), b DEFAULT CURRENT_TIMESTAMP, "
        "c TEXT NOT NULL DEFAULT NULL, d TEXT DEFAULT NULL)",
        "CREATE TABLE conflicts(a INT NOT NULL ON CONFLICT REPLACE DEFAULT 1, b UNIQUE ON CONFLICT IGNORE)",
    ),
    "constraints": (
        "CREATE TABLE one(a CHECK (a > 0) CHECK (a < 9), b CONSTRAINT small CHECK (b < 5), c, "
        "CHECK (a <> b), CHECK (1))",
        "CREATE TABLE two(a COLLATE NOCASE UNIQUE, b, c, UNIQUE (b, c), UNIQUE (a COLLATE BINARY), UNIQUE (b DESC))",
        'CREATE TABLE three(a, b, UNIQUE (a, b) ON CONFLICT REPLACE, CONSTRAINT "" CHECK (a <> b))',
        'CREATE TABLE texts(a CHECK (a IN ("x", \'y\')), "b c" CHECK ("b c" > "rowid"))',
        f"CREATE TABLE long_pair(a, b, CHECK ({' AND '.join(['a <> b'] * 40)}))",
        f"CREATE TABLE long(a, CHECK ({' AND '.join(['a <> 5'] * 40)}), CHECK (a <> '{'z' * 300}'))",
    ),
    "generated": (
        "CREATE TABLE g(a INT, b INT AS (a + 1), "
        'c INT NOT NULL GENERATED ALWAYS AS (a || "x") STORED, d AS (b) COLLATE NOCASE)',
    ),
    "indexes": (
        'CREATE TABLE t(a, b COLLATE NOCASE, "c d", "a DESC", "lower(a)")',
        "CREATE INDEX ix_t_a ON t(a)",
        'CREATE UNIQUE INDEX u ON t(a DESC, b COLLATE BINARY, "c d" COLLATE RTRIM)',
        'CREATE INDEX partial ON t(a) WHERE b IS NOT NULL AND "c d" = "text"',
        "CREATE INDEX expressions ON t(lower(a), a + 1 DESC, +b, (b || 'x') COLLATE RTRIM)",
        "CREATE INDEX not_as_the_column ON t(+b COLLATE BINARY, (b COLLATE BINARY) || 'x')",
        'CREATE INDEX column_that_looks_computed ON t("lower(a)", "a DESC")',
    ),
    "references": (
        "CREATE TABLE child(parent_id INTEGER NOT NULL REFERENCES parent, p2 INT REFERENCES parent(id), "
        "code REFERENCES parent(code))",
        "CREATE TABLE parent(id INTEGER PRIMARY KEY, code UNIQUE, other)",
        "CREATE TABLE rules(parentId INTEGER REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL "
        "DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE extension(id INTEGER PRIMARY KEY REFERENCES parent, note TEXT)",
        "CREATE TABLE tree(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES tree, parent TEXT)",
        "CREATE TABLE hen(id INTEGER PRIMARY KEY, egg_id INTEGER REFERENCES egg)",
        "CREATE TABLE egg(id INTEGER PRIMARY KEY, hen_id INTEGER NOT NULL REFERENCES hen)",
        "CREATE TABLE key_circle(id INTEGER PRIMARY KEY REFERENCES key_circle_2)",
        "CREATE TABLE key_circle_2(id INTEGER PRIMARY KEY REFERENCES key_circle)",
        "CREATE TABLE several(a INTEGER REFERENCES parent REFERENCES tree(id) REFERENCES parent(other))",
        "CREATE TABLE room(house TEXT, number INT, floor, PRIMARY KEY (house, number), UNIQUE (floor, number))",
        "CREATE TABLE guest(h TEXT, n INT, f, FOREIGN KEY (h, n) REFERENCES room, FOREIGN KEY (n, "
        "f) REFERENCES room(number, floor))",
        "CREATE TABLE misfit(a REFERENCES room, b REFERENCES missing, c REFERENCES Parent2(x), "
        "d REFERENCES parent(other))",
        "CREATE TABLE to_collated(a REFERENCES collated(c))",
        "CREATE TABLE collated(c COLLATE NOCASE, UNIQUE (c COLLATE BINARY))",
        "CREATE TABLE default_parent(p INTEGER NOT NULL DEFAULT 1 REFERENCES parent)",
        "CREATE TABLE ghosts(x)",
        "CREATE TABLE to_missing_class(a REFERENCES Ghost)",
    ),
    "names": (
        'CREATE TABLE "rowid"(x)',
        'CREATE TABLE "_migration"(_x, __y, "__init__", "class", "self", "table", "Key", "Column", '
        '"int", "Annotated", "auto")',
        "CREATE TABLE fence_orders(id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, OrderDate DATETIME, dt DATETIME, Decimal NUMERIC)",
        'CREATE TABLE "order"(id INTEGER PRIMARY KEY, a_b, "a b", "a-b", "a.b", aB)',
        'CREATE TABLE "a b"(x)',
        'CREATE TABLE "a-b"(x)',
        'CREATE TABLE "a.b"("it\'s", "say ""so""", "`tick`", "[bracket]", "new\nline", "back\\slash", "tab\t")',
        'CREATE TABLE ""(""  TEXT)',
        'CREATE TABLE "😀"("😀", "😁", "名前", "ﬁ", "é")',
        'CREATE TABLE "None"("None", "True", "select")',
        'CREATE TABLE "Key"("1", "2nd", "_", "__")',
        f'CREATE TABLE "{"long " * 40}"("{"column " * 30}", "{"column " * 31}", '
        f'"{"x" * 200}" REFERENCES "{"long " * 40}")',
    ),
    "views": (
        "CREATE TABLE t(a, b)",
        "CREATE VIEW t_totals AS SELECT a, sum(b) FROM t GROUP BY a",
        "CREATE VIEW Named(x, y) AS SELECT a, b FROM t",
        'CREATE VIEW "over views" /* why */ AS SELECT x FROM Named -- because\n',
        'CREATE VIEW Tabs AS\r\n\tSELECT a,  \r\n\t\t\'\\\' AS "back\\slash"\r\n\tFROM t WHERE a <> \'"""\'',
        'CREATE VIEW text_in_double_quotes AS SELECT * FROM t WHERE a = "x"',
        "CREATE VIEW over_nothing AS SELECT x FROM gone",
        "CREATE VIEW over_that AS SELECT * FROM over_nothing",
        f"CREATE VIEW wide AS SELECT {', '.join(f'a AS column_{number}' for number in range(40))} FROM t",
    ),
    "triggers": (
        "CREATE TABLE t(a, b)",
        "CREATE TABLE log(a)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TRIGGER fine AFTER INSERT ON t WHEN new.a > 0 BEGIN\n    INSERT INTO log VALUES (new.a);\nEND",
        "CREATE TRIGGER instead INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (new.a); END",
        "CREATE TRIGGER into_nothing AFTER DELETE ON t BEGIN INSERT INTO gone VALUES (1); END",
        "CREATE TRIGGER of_nothing AFTER UPDATE OF gone ON t BEGIN SELECT 1; END",
        "CREATE TRIGGER follows AFTER INSERT ON log BEGIN DELETE FROM t; END",
        'CREATE TRIGGER text AFTER UPDATE ON t BEGIN SELECT "text"; END',
    ),
    "virtual tables": (
        "CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE VIRTUAL TABLE doc_text USING fts5(body,   content='doc', content_rowid='id', "
        'tokenize = "porter ascii")',
        'CREATE VIRTUAL TABLE "a box" USING rtree(id, x0, x1)',
        "CREATE VIEW found AS SELECT * FROM doc_text",
        "CREATE TRIGGER doc_added AFTER INSERT ON doc BEGIN INSERT INTO doc_text(rowid, "
        "body) VALUES (new.id, new.body); END",
    ),
    "nothing": (),
    "two thousand columns": (f"CREATE TABLE wide({', '.join(f'Column{number} INT' for number in range(2000))})",),
}
