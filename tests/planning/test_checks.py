"""Each check: when it speaks, what exactly it says, and when it is silent."""

from __future__ import annotations

import pytest

from hotmig.planning import checks
from hotmig.planning.checking import LIVE, Facts, check, registered
from hotmig.planning.model import Hint
from tests.planning.planned import Planned, planned

CLIENT = "CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT, nickname TEXT)"
TWO = "INSERT INTO client VALUES (1, 'Ann', 'A'), (2, 'Bob', NULL)"
T = "CREATE TABLE t(id INTEGER PRIMARY KEY, x {})"


def client(*fields: str, table: str = "@table(was='client')") -> str:
    lines = "".join(f"    {field}\n" for field in fields)
    return f"{table}\nclass Customer:\n    id: Annotated[int, Key] = auto()\n    name: str | None\n{lines}\n"


def t(field: str, table: str = "@table", more: str = "") -> str:
    return f"{table}\nclass T:\n    id: Annotated[int, Key] = auto()\n    {field}\n{more}"


def of_t(
    check: str, declared: str, values: str, field: str, table: str = "@table"
) -> list[tuple[str, str, str | None]]:
    """One column x: as it was declared, its rows, and as the module declares it."""
    old = f"{T.format(declared)}; INSERT INTO t(x) VALUES {values}" if values else T.format(declared)
    return planned(old, t(field, table)).of(check)


def test_a_migration_in_which_everything_is_declared_has_no_findings() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("tier: str = 'basic'") + 'dropped("client", "nickname")')
    assert found.findings == ()


class TestColumnsWithoutSuccessor:
    def test_data_is_not_dropped_in_silence(self) -> None:
        found = planned(f"{CLIENT}; {TWO}", client())
        message = "client.nickname holds 1 value and has no successor"
        assert found.of("dropped-column") == [("block", message, 'dropped("client", "nickname")')]

    def test_a_column_of_nothing_but_null_is_only_noted(self) -> None:
        found = planned(CLIENT, client())
        message = "client.nickname is dropped; it holds nothing but NULL"
        assert found.of("dropped-column") == [("note", message, None)]

    def test_a_column_that_a_from_reads_has_a_successor(self) -> None:
        found = planned(f"{CLIENT}; {TWO}", client("label: Annotated[str, From(\"coalesce(nickname, '')\")]"))
        assert found.findings == ()

    def test_a_column_that_looks_renamed_gets_one_message(self) -> None:
        found = planned(f"{CLIENT}; {TWO}", client("nick_name: Annotated[str, Column('nick')]"))
        message = (
            "client.nickname (1 value) is gone and customer.nick has come: renamed?"
            ' If not, give it up: dropped("client", "nickname")'
        )
        assert [(each.check, each.message, each.fix) for each in found.blocking] == [
            ("renamed-column", message, "nick_name: Annotated[str, Column('nick'), Was(\"nickname\")]")
        ]

    def test_what_was_given_up_is_no_rename(self) -> None:
        found = planned(f"{CLIENT}; {TWO}", client("nick: str | None") + 'dropped("client", "nickname")')
        assert found.findings == ()

    def test_the_old_text_keys_are_data_too(self) -> None:
        old = "CREATE TABLE t(id TEXT PRIMARY KEY, x TEXT); INSERT INTO t VALUES ('a', 'b')"
        message = "t.id holds 1 value and has no successor: new integers take the place of these keys"
        found = planned(old, t("x: str | None"))
        assert found.of("dropped-column") == [("block", message, 'dropped("t", "id")')]
        kept = planned(old, t("x: str | None", more='    code: Annotated[str | None, Was("id")]\n'))
        assert kept.blocking == ()


class TestTablesWithoutSuccessor:
    OLD = f"{CLIENT}; CREATE TABLE log(at TEXT, what TEXT)"
    NEW = client("nickname: str | None", table="@table('client')")

    def test_rows_are_not_dropped_in_silence(self) -> None:
        found = planned(f"{self.OLD}; INSERT INTO log VALUES (1, 2), (3, 4)", self.NEW)
        assert found.of("dropped-table") == [("block", "log has 2 rows and no successor", 'dropped("log")')]

    def test_an_empty_table_is_only_noted(self) -> None:
        assert planned(self.OLD, self.NEW).of("dropped-table") == [("note", "log is dropped; it has no rows", None)]

    def test_a_table_that_is_given_up_is_not_mentioned(self) -> None:
        assert planned(f"{self.OLD}; INSERT INTO log VALUES (1, 2)", self.NEW + 'dropped("log")').findings == ()

    def test_a_table_that_looks_renamed(self) -> None:
        found = planned(f"{CLIENT}; {TWO}", client("nickname: str | None", table="@table"))
        message = 'client (2 rows) is gone and customer has come: renamed? If not, give it up: dropped("client")'
        assert [(each.check, each.message, each.fix) for each in found.blocking] == [
            ("renamed-table", message, '@table(was="client")')
        ]


class TestMissingValues:
    def test_not_null_needs_a_value(self) -> None:
        message = "t.x is NOT NULL and the rows of t have no value for it: it needs a default or a From"
        found = planned("CREATE TABLE t(id INTEGER PRIMARY KEY)", t("x: str"))
        assert found.of("no-value") == [("block", message, 'x: Annotated[str, From("SQL over the old row")]')]

    @pytest.mark.parametrize("field", ["x: str | None", "x: str = 'a'", "x: Annotated[str, From(\"'a' || id\")]"])
    def test_a_default_a_from_or_null_will_do(self, field: str) -> None:
        assert planned("CREATE TABLE t(id INTEGER PRIMARY KEY)", t(field)).findings == ()


class TestNotNull:
    def test_nulls_are_counted_with_their_first_keys(self) -> None:
        found = of_t("not-null", "TEXT", "(NULL), ('a'), (NULL), (NULL), (NULL)", "x: str")
        message = "4 rows have NULL in t.x, which is NOT NULL: id 1, 3, 4, …"
        assert found == [("block", message, "x: Annotated[str, From(\"coalesce(x, '')\")]")]

    def test_of_what_a_from_makes(self) -> None:
        found = of_t("not-null", "TEXT", "('a')", "x: Annotated[int, From(\"nullif(x, 'a') + 0\")]")
        assert found[0][1:] == (
            "1 row has NULL in t.x, which is NOT NULL: id 1",
            "x: Annotated[int, From(\"coalesce(nullif(x, 'a') + 0, 0)\")]",
        )

    def test_what_held_is_not_asked(self) -> None:
        found = planned(f"{T.format('TEXT NOT NULL')}", t("x: str"))
        assert [answer.probe.check for answer in found.context.answers] == []


class TestTypes:
    def test_strict_refuses_other_types(self) -> None:
        found = of_t("types", "", "(1), ('a'), (x'00'), (NULL)", "x: int | None", "@table(strict=True)")
        message = "2 values of t.x cannot be stored as integer: id 2, 3"
        assert found == [("block", message, 'x: Annotated[int | None, From("CAST(x AS INTEGER)")]')]

    def test_affinity_comes_first(self) -> None:
        assert of_t("types", "", "('12'), (3.0)", "x: int | None", "@table(strict=True)") == []
        assert of_t("types", "INT", "(1)", "x: str | None", "@table(strict=True)") == []

    def test_an_integer_primary_key_takes_integers(self) -> None:
        old = "CREATE TABLE t(id INT PRIMARY KEY, x); INSERT INTO t VALUES (1, 1), (NULL, 2), ('a', 3)"
        found = planned(old, t("x: Annotated[object, ColumnType('')]")).of("types")
        assert [each[1] for each in found] == ["2 values of t.id cannot be stored as integer: rowid 2, 3"]

    def test_any_takes_all(self) -> None:
        assert of_t("types", "", "(1), ('a')", "x: Annotated[object, ColumnType('ANY')]", "@table(strict=True)") == []


class TestLostValues:
    @pytest.mark.parametrize(
        ("declared", "value", "field"),
        [
            ("TEXT", "'0123'", "x: int | None"),
            ("TEXT", "'1e3'", "x: int | None"),
            ("TEXT COLLATE NOCASE", "'1.0E+30'", "x: float | None"),
            ("INT", "9007199254740993", "x: float | None"),
            ("REAL", "0.1 + 0.2", "x: str | None"),
            ("", "' 7'", "x: int | None"),
        ],
    )
    def test_values_that_do_not_come_back(self, declared: str, value: str, field: str) -> None:
        (found,) = of_t("lost-values", declared, f"({value})", field)
        assert found[0] == "block"
        assert found[1].endswith(": id 1")

    @pytest.mark.parametrize(
        ("declared", "value", "field"),
        [
            ("TEXT", "'123'", "x: int | None"),
            ("TEXT", "'abc'", "x: int | None"),
            ("INT", "5", "x: str | None"),
            ("INT", "9007199254740992", "x: float | None"),
            ("REAL", "1.0", "x: int | None"),
            ("REAL", "1.5", "x: str | None"),
            ("", "x'00ff'", "x: str | None"),
            ("", "NULL", "x: int | None"),
        ],
    )
    def test_values_that_come_back(self, declared: str, value: str, field: str) -> None:
        assert of_t("lost-values", declared, f"({value})", field) == []

    def test_the_message(self) -> None:
        (found,) = of_t("lost-values", "TEXT", "('1'), ('01'), ('007')", "x: int | None")
        message = "2 values lose something when t.x turns from TEXT to INTEGER: id 2, 3"
        assert found == ("block", message, 'x: Annotated[int | None, From("CAST(x AS INTEGER)")]')

    def test_a_declared_conversion_is_accepted(self) -> None:
        assert of_t("lost-values", "TEXT", "('01')", 'x: Annotated[int, From("CAST(x AS INTEGER)")]') == []


class TestUnique:
    def test_equal_values_are_counted(self) -> None:
        found = of_t(
            "unique",
            "TEXT",
            "('a'), ('A'), ('b'), (NULL), (NULL)",
            'x: Annotated[str | None, Unique(collate="NOCASE")]',
        )
        assert found == [("block", "2 rows of t are equal under the new unique x: x 'A'", None)]

    def test_of_projected_values(self) -> None:
        field = 'x: Annotated[str, From("trim(x)"), Unique]'
        assert len(of_t("unique", "TEXT", "('a'), (' a')", field)) == 1
        assert of_t("unique", "TEXT", "('a'), (' b')", field) == []

    def test_partial_and_expression_indexes(self) -> None:
        table = "@table(indexes=[Index('lower(x)', where='x > 1', unique=True, name='u')])"
        (found,) = of_t("unique", "TEXT", "('a'), ('A'), ('0'), ('0')", "x: str | None", table)
        assert found[1] == "2 rows of t are equal under the new unique index u: lower(x) 'a'"

    @pytest.mark.parametrize(
        ("declared", "field", "asked"),
        [
            ("TEXT UNIQUE", "x: Annotated[str | None, Unique]", False),
            ("TEXT COLLATE NOCASE UNIQUE", "x: Annotated[str | None, Unique]", False),
            ("TEXT UNIQUE", 'x: Annotated[str | None, Unique(collate="NOCASE")]', True),
            ("TEXT UNIQUE", 'x: Annotated[str | None, Unique, From("x || id")]', True),
            ("TEXT UNIQUE", "x: Annotated[int | None, Unique]", True),
            ("TEXT", "x: Annotated[str | None, Unique]", True),
        ],
    )
    def test_what_held_is_not_asked(self, declared: str, field: str, asked: bool) -> None:
        found = planned(T.format(declared), t(field))
        assert ("unique" in {answer.probe.check for answer in found.context.answers}) == asked

    def test_a_wider_key_than_an_old_one_holds(self) -> None:
        old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE, y TEXT)"
        module = t("x: str", '@table(unique=[("x", "y")])', "    y: str | None\n")
        assert "unique" not in {answer.probe.check for answer in planned(old, module).context.answers}

    def test_references_that_are_translated_are_compared_as_their_parents(self) -> None:
        old = """CREATE TABLE a(code TEXT PRIMARY KEY COLLATE NOCASE); INSERT INTO a VALUES ('x'), ('y');
            CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT REFERENCES a); INSERT INTO b(a) VALUES ('x'), ('X'), ('y')"""
        module = """
@table
class A:
    id: Annotated[int, Key] = auto()
    code: str | None
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a"), Unique]
"""
        assert [each[1] for each in planned(old, module).of("unique")] == [
            "2 rows of b are equal under the new unique a_id: a_id 'X'"
        ]


class TestChecks:
    def test_rows_that_break_a_new_check(self) -> None:
        found = of_t("check", "INT", "(1), (-1), (NULL), (-2)", 'x: Annotated[int | None, Check("x > 0")]')
        assert found == [("block", "2 rows break the new CHECK (x > 0) of t: id 2, 4", None)]

    def test_it_is_judged_with_the_new_types_and_collations(self) -> None:
        field = 'x: Annotated[str, Collate("NOCASE"), Check("x = \'a\' OR x = 5")]'
        assert of_t("check", "", "('A'), (5), ('5')", field) == []
        assert len(of_t("check", "", "('A'), (6)", field)) == 1

    def test_it_is_judged_with_the_affinity_of_a_computed_column(self) -> None:
        field = "x: Annotated[int, From('x + 0'), Check(\"x = '5'\")]"
        assert of_t("check", "INT", "(5)", field) == []
        assert len(of_t("check", "INT", "(6)", field)) == 1
        field = "x: Annotated[str, From(\"x || ''\"), Check('x <> 5')]"
        assert len(of_t("check", "TEXT", "('5')", field)) == 1
        assert of_t("check", "TEXT", "('6')", field) == []

    def test_of_generated_columns(self) -> None:
        more = '    y: Annotated[int | None, Generated("x * 2"), Check("y < 10")] = auto()\n'
        found = planned(f"{T.format('INT')}; INSERT INTO t(x) VALUES (1), (5)", t("x: int | None", more=more))
        assert [each[1] for each in found.of("check")] == ["1 row breaks the new CHECK (y < 10) of t: id 2"]

    def test_what_held_is_not_asked(self) -> None:
        field = 'x: Annotated[int | None, Check("x>0")]'
        same = planned(T.format("INTEGER CHECK (x  >  0)"), t(field))
        assert [answer for answer in same.context.answers if answer.probe.check == "check"] == []
        other = planned(T.format("TEXT CHECK (x > 0)"), t(field))
        assert len([answer for answer in other.context.answers if answer.probe.check == "check"]) == 1


A_AND_B = """
@table
class A:
    id: Annotated[int, Key] = auto()
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a"){}]
"""
MAPPED = A_AND_B + "dropped('a', 'id')"
TEXT_KEYS = "CREATE TABLE a(id TEXT PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT REFERENCES a)"
INTEGER_KEYS = "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT{})"


class TestForeignKeys:
    def test_rows_that_break_a_new_one(self) -> None:
        old = f"{INTEGER_KEYS.format('')}; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 7), (3, NULL)"
        message = "b: 1 row refers by a_id to no row of a, and the foreign key is new: id 2"
        assert planned(old, A_AND_B.format("")).of("foreign-key") == [("block", message, None)]

    def test_seed_rows_are_parents_too(self) -> None:
        old = "CREATE TABLE b(id INTEGER PRIMARY KEY, a INT); INSERT INTO b VALUES (1, 7), (2, 8)"
        found = planned(old, A_AND_B.format("") + "seven = A(id=7)")
        assert [each[1].rpartition(": ")[2] for each in found.of("foreign-key")] == ["id 2"]

    def test_orphans_that_the_old_schema_tolerated_are_carried_over(self) -> None:
        old = f"{INTEGER_KEYS.format(' REFERENCES a')}; INSERT INTO b VALUES (1, 1), (2, 7)"
        found = planned(old, A_AND_B.format(""))
        message = "2 rows of b refer by a to no row of a; carried over as the old schema had them: id 1, 2"
        assert [(each.severity, each.message) for each in found.findings] == [("warn", message)]

    def test_a_child_is_compared_as_its_parent_compares(self) -> None:
        old = """CREATE TABLE a(id TEXT NOT NULL PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID;
            CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT{}); INSERT INTO a VALUES ('x'), ('5');
            INSERT INTO b VALUES (1, 'X'), (2, 5), (3, 'y')"""
        module = """
@table(without_rowid=True)
class A:
    id: Annotated[str, Key, Collate("NOCASE")]
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a")]
"""
        for declared, name in (("", "foreign-key"), (" REFERENCES a", "orphans")):
            found = planned(old.format(declared), module)
            assert [each.message.rpartition(": ")[2] for each in found.findings if each.check == name] == ["id 3"]


class TestOrphans:
    ROWS = "INSERT INTO a VALUES ('x'); INSERT INTO b VALUES (1, 'x'), (2, 'z'), (3, NULL)"

    def test_orphans_of_a_mapped_key_block(self) -> None:
        found = planned(f"{TEXT_KEYS}; {self.ROWS}", MAPPED.format(""))
        message = "1 row of b refers by a to no row of a, so no new key is known: id 2"
        fix = 'a: Annotated[A | None, Was("a"), References(orphans="null")]'
        assert found.of("orphans") == [("block", message, fix)]

    def test_unless_they_are_declared(self) -> None:
        found = planned(f"{TEXT_KEYS}; {self.ROWS}", MAPPED.format(', References(orphans="null")'))
        message = "1 row of b refers by a to no row of a: a_id becomes NULL as declared: id 2"
        assert found.of("orphans") == [("warn", message, None)]

    def test_not_null_cannot_become_null(self) -> None:
        module = MAPPED.replace("A | None", "A").format(', References(orphans="null")')
        found = planned(f"{TEXT_KEYS}; {self.ROWS}", module)
        message = "1 row of b refers by a to no row of a; a_id cannot become NULL, as it is NOT NULL: id 2"
        fix = 'a: Annotated[A | None, Was("a"), References(orphans="null")]'
        assert found.of("orphans") == [("block", message, fix)]
        assert [each[1] for each in found.of("not-null")] == ["1 row has NULL in b.a_id, which is NOT NULL: id 3"]


class TestVirtualTables:
    DOCS = "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT)"
    NEW = "@table\nclass Docs:\n    id: Annotated[int, Key] = auto()\n    body: str | None\n"
    OWN = "CREATE VIRTUAL TABLE notes USING fts5(body)"
    EXTERNAL = "CREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid=id)"

    def test_rows_of_its_own_block(self) -> None:
        found = planned(f"{self.DOCS}; {self.OWN}; INSERT INTO notes VALUES ('a')", self.NEW)
        message = "notes (fts5) holds 1 row that no trigger can record"
        assert found.of("virtual-table") == [("block", message, 'dropped("notes")')]

    def test_unless_they_are_given_up_or_there_are_none(self) -> None:
        given_up = self.NEW + 'dropped("notes")'
        assert planned(f"{self.DOCS}; {self.OWN}; INSERT INTO notes VALUES ('a')", given_up).findings == ()
        assert planned(f"{self.DOCS}; {self.OWN}", self.NEW).findings == ()

    def test_external_content_is_rebuilt(self) -> None:
        old = f"{self.DOCS}; {self.EXTERNAL}; INSERT INTO docs VALUES (1, 'a')"
        found = planned(old, f'{self.NEW}sql("{self.EXTERNAL}")')
        message = "docs_fts is built anew from docs while writes are paused"
        assert found.of("virtual-table") == [("note", message, None)]


class TestTriggers:
    @pytest.mark.parametrize(
        ("head", "raised"),
        [
            ("AFTER INSERT ON t", "IGNORE"),
            ("AFTER UPDATE ON t", "FAIL"),
        ],
    )
    def test_after_triggers_that_could_hide_a_write(self, head: str, raised: str) -> None:
        message = (
            f"trigger g of t is an AFTER trigger with RAISE({raised}), which could hide a write from recording:"
            " make it a BEFORE trigger, or RAISE(ABORT)"
        )
        assert trigger(head, f"raise ( {raised.lower()}{message_of(raised)})").of("raising-trigger") == [
            ("block", message, None)
        ]

    @pytest.mark.parametrize(
        ("head", "raised"),
        [
            ("BEFORE INSERT ON t", "RAISE(IGNORE)"),
            ("INSERT ON t", "RAISE(IGNORE)"),
            ("AFTER INSERT ON t", "RAISE(ABORT, 'no')"),
            ("AFTER INSERT ON t", "'RAISE(IGNORE)' /* RAISE(IGNORE) */"),
        ],
    )
    def test_other_triggers_hide_nothing(self, head: str, raised: str) -> None:
        assert trigger(head, raised).findings == ()

    def test_a_trigger_called_after_is_none(self) -> None:
        assert trigger("BEFORE INSERT ON t", "RAISE(IGNORE)", name='"after"').findings == ()

    def test_on_replay_triggers_write_to_tables_without_old_rows(self) -> None:
        old = T.format("TEXT")
        audit = "@table\nclass Audit:\n    what: str | None\n"
        body = 'trigger("CREATE TRIGGER g AFTER INSERT ON t BEGIN {} END", on_replay=True)'
        fine = t("x: str | None") + audit + body.format("INSERT INTO audit VALUES (NEW.x);")
        assert planned(old, fine).findings == ()
        wrong = t("x: str | None") + audit + body.format("UPDATE OR IGNORE t SET x = 1; DELETE FROM audit;")
        message = (
            "trigger g has on_replay=True and writes to t, which has rows of the old database:"
            " such a trigger may write only to tables that have none"
        )
        assert planned(old, wrong).of("replay-trigger") == [("block", message, None)]


def message_of(raised: str) -> str:
    return ", 'no'" if raised == "FAIL" else ""


def trigger(head: str, raised: str, name: str = "g") -> Planned:
    body = f"CREATE TRIGGER {name} {head} BEGIN SELECT CASE WHEN NEW.x THEN {raised} END; END"
    return planned(f"{T.format('TEXT')};; {body}", t("x: str | None"))


class TestKeys:
    def test_a_table_without_any_key_blocks(self) -> None:
        old = "CREATE TABLE t(rowid TEXT, oid TEXT, _rowid_ TEXT)"
        module = "@table\nclass T:\n    rowid: str | None\n    oid: str | None\n    _rowid_: str | None\n"
        message = (
            "the rows of t can't be found again: it has no key without NULL, and columns hide all three names of its"
            " rowid; give it a UNIQUE index over NOT NULL columns"
        )
        found = planned(old, module).of("key")
        assert ("block", message, None) in found
        new = "the rows of the new t can't be found again: it has no key; make one field a Key"
        assert ("block", new, None) in found

    def test_a_table_that_is_keyed_by_rowid_is_warned_of(self) -> None:
        message = (
            "t has no key of its own: its rows are found by rowid, which VACUUM renumbers;"
            " don't VACUUM the old database while migrating"
        )
        found = planned("CREATE TABLE t(x TEXT)", "@table\nclass T:\n    x: str | None\n")
        assert found.of("key") == [("warn", message, None)]


class TestWas:
    def test_a_table_that_is_not_there(self) -> None:
        message = 'customer says was="klient", and the old database has no table klient'
        found = planned("CREATE TABLE x(id INTEGER PRIMARY KEY)", client(table="@table(was='klient')"))
        assert found.of("was") == [("block", message, None)]

    def test_a_column_that_is_not_there(self) -> None:
        message = 'customer.label says Was("nick"), and client has no column nick'
        found = planned(CLIENT, client('label: Annotated[str | None, Was("nick")]'))
        assert found.of("was") == [("block", message, None)]

    def test_two_tables_cannot_both_come_from_one(self) -> None:
        module = client() + client().replace("Customer", "Buyer")
        message = "buyer and customer both say was='client': the rows of one table go to one table"
        assert planned(CLIENT, module).of("was") == [("block", message, None)]


class TestFrom:
    def test_an_unknown_column(self) -> None:
        found = planned(f"{CLIENT}; {TWO}", client('label: Annotated[str, From("upper(title)")]'))
        message = "customer.label: From('upper(title)'): client has no column title"
        assert found.of("from") == [("block", message, None)]
        assert found.of("unanswered") == []

    def test_a_text_in_disguise(self) -> None:
        found = planned(CLIENT, client("label: Annotated[str, From('name || \"title\"')]"))
        message = 'customer.label: From(\'name || "title"\'): client has no column "title"'
        assert found.of("from") == [("block", message, None)]


@pytest.mark.parametrize(
    ("facts", "check", "severity", "message"),
    [
        (
            Facts(strangers=("_migration_notes",)),
            "reserved-name",
            "block",
            "_migration_notes in the old database is not hotmig's, and names that begin with _migration_ are:"
            " rename it",
        ),
        (
            Facts(old_size=2_000_000, disk_free=2_500_000),
            "disk-space",
            "block",
            "the new database needs about 3.0 MB, and the disk has 2.5 MB free",
        ),
        (
            Facts(user_id=1000, owner_id=33),
            "permissions",
            "block",
            "the old database belongs to user 33 and this is user 1000: the application could not open the new file;"
            " run hotmig as the owner or as root",
        ),
        (
            Facts(user_id=33, owner_id=33, read_only=("/srv/shop",)),
            "permissions",
            "block",
            "this user may not write to /srv/shop: run hotmig as the owner or as root",
        ),
        (
            Facts(target="shop-1.sqlite", target_taken=f"{LIVE}, changed by hand"),
            "target",
            "block",
            "the new database would be shop-1.sqlite, and that is the live database itself, changed by hand:"
            " write the change into the schema module, or undo it",
        ),
        (
            Facts(target="shop-1.sqlite", target_taken="a database that is retired"),
            "target",
            "block",
            "the new database would be shop-1.sqlite, and that is a database that is retired: move it away",
        ),
        (
            Facts(journal_mode="delete", old_size=60_000_000),
            "journal-mode",
            "note",
            "the old database (60.0 MB) is in journal mode delete, in which reading holds up writers for moments:"
            " `hotmig migrate --wal` switches it to WAL first",
        ),
        (
            Facts(drifted=("index i appeared",)),
            "drift",
            "note",
            "the old database differs from the schema that it was built from: index i appeared",
        ),
    ],
)
def test_what_the_files_say(facts: Facts, check: str, severity: str, message: str) -> None:
    assert planned(T.format("TEXT"), t("x: str | None"), facts=facts).of(check) == [(severity, message, None)]


@pytest.mark.parametrize(
    "facts",
    [
        Facts(old_size=2_000_000, disk_free=3_000_000),
        Facts(user_id=0, owner_id=33),
        Facts(user_id=33, owner_id=33),
        Facts(journal_mode="wal", old_size=60_000_000),
        Facts(journal_mode="delete", old_size=1_000),
        Facts(functions=frozenset(), collations=frozenset({"BINARY", "NOCASE"})),
    ],
)
def test_files_that_are_fine(facts: Facts) -> None:
    assert (
        planned(T.format("TEXT COLLATE NOCASE"), t('x: Annotated[str | None, Collate("NOCASE")]'), facts=facts).findings
        == ()
    )


def test_collations_and_functions_of_the_application_are_named() -> None:
    facts = Facts(functions=frozenset({"lower"}), collations=frozenset({"BINARY"}))
    found = planned(
        T.format("TEXT"), t('x: Annotated[str | None, Collate("NOCASE"), Check("slug(x) = x")]'), facts=facts
    )
    message = "t needs the application's {}: load it with --load-extension FILE"
    assert found.of("extension") == [
        ("block", message.format("function slug"), None),
        ("block", message.format("collation NOCASE"), None),
    ]


def test_a_used_hint_is_noted() -> None:
    module = client('label: Annotated[str | None, Was("nickname")]')
    used = frozenset({Hint("was", "customer", "", "client")})
    found = planned(CLIENT.replace("client", "customer"), module, used=used)
    message = 'customer: was="client" has done its work in the old database and is not applied again'
    assert found.of("used-hint") == [("note", message, None)]


def test_a_seed_row_that_wins_over_an_old_row_is_noted() -> None:
    old = f"{T.format('TEXT')}; INSERT INTO t VALUES (1, 'a'), (2, 'b')"
    found = planned(old, t("x: str | None", more="\n") + "rows = [T(id=1, x='a'), T(id=2, x='c'), T(id=3, x='d')]\n")
    ((severity, message, fix),) = found.of("seed")
    assert (severity, fix) == ("note", None)
    assert message.startswith("the seed row id 2 of t wins over the old row's values (")


def test_a_question_that_cannot_be_answered_blocks() -> None:
    old = f"{T.format('TEXT')}; INSERT INTO t VALUES (1, '{{')"
    found = planned(old, t("x: Annotated[str, From(\"json_extract(x, '$.a')\")]"))
    message = "could not look for not-null in t.x: malformed JSON"
    assert found.of("unanswered") == [("block", message, None)]


def test_blocking_findings_come_first() -> None:
    facts = Facts(journal_mode="delete", old_size=60_000_000, user_id=1, owner_id=2)
    found = planned("CREATE TABLE t(x TEXT)", "@table\nclass T:\n    x: str | None\n", facts=facts)
    assert [each.severity for each in found.findings] == ["block", "warn", "note"]


def test_every_check_is_registered_once_and_named_after_what_it_finds() -> None:
    names = [each.name for each in registered()]
    assert names == sorted(set(names))
    assert len(names) == len([name for name in dir(checks) if hasattr(getattr(checks, name), "findings")])
    with pytest.raises(ValueError, match="two checks are named target"):
        check("target")(lambda _: ())


@pytest.mark.parametrize("name", ["select", "a b", 'quo"te', "brack]et", "dot.ted", "emoji 😀", "it's"])
def test_names_of_every_kind(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    rows = "('a', 'b'), ('a', NULL), (NULL, 'c')"
    old = f"CREATE TABLE {quoted}({quoted} TEXT, gone TEXT);; INSERT INTO {quoted} VALUES {rows}"
    module = f"@table({name!r})\nclass T:\n    x: Annotated[str, Column({name!r}), Unique]\n"
    found = planned(old, module)
    assert found.of("unanswered") == []
    assert [each.check for each in found.blocking] == ["dropped-column", "not-null", "unique"]
