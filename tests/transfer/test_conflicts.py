"""A row that the new schema does not take is named: by the old table and its key, with what is in the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer.build import indexes_of
from hotmig.transfer.copy import copy_all
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema, seed

PERMIT = [rules("permit", was="ticket")]


def ignore(_table: str, _rows: int) -> None:
    pass


@dataclass(frozen=True)
class Key:
    """How ticket and permit are keyed, and how the row of a number is written and named."""

    name: str
    old: str
    new: str
    columns: str
    literal: str
    shown: str

    def insert(self, number: int, values: str) -> str:
        return f"INSERT INTO ticket({self.columns}, code, kind) VALUES ({self.literal.format(number)}, {values})"


KEYS = {
    "integer": Key("id", "id INTEGER PRIMARY KEY", "id INTEGER PRIMARY KEY", "id", "{0}", "{0}"),
    "text": Key(
        "id",
        "id TEXT COLLATE NOCASE NOT NULL PRIMARY KEY",
        "id TEXT COLLATE NOCASE NOT NULL PRIMARY KEY",
        "id",
        "'k{0}'",
        "'k{0}'",
    ),
    "composite": Key(
        "(a, b)",
        "a INTEGER NOT NULL, b TEXT NOT NULL, CONSTRAINT k PRIMARY KEY (a, b)",
        "a INTEGER NOT NULL, b TEXT NOT NULL, CONSTRAINT k PRIMARY KEY (a, b)",
        "a, b",
        "{0}, 'x'",
        "({0}, 'x')",
    ),
    "rowid": Key("rowid", "note TEXT", "note TEXT", "rowid", "{0}", "{0}"),
    "mapped": Key(
        "sku", "sku TEXT NOT NULL PRIMARY KEY", "id INTEGER PRIMARY KEY, sku TEXT NOT NULL", "sku", "'k{0}'", "'k{0}'"
    ),
    "mapped rowid": Key("rowid", "note TEXT", "id INTEGER PRIMARY KEY, note TEXT", "rowid", "{0}", "{0}"),
}


def table(name: str, key: str, code: str = "code", constraint: str = "") -> str:
    """The key's own constraint has to come last."""
    columns, _, rest = key.partition(", CONSTRAINT k ")
    parts = [columns, code, "kind TEXT", rest, constraint]
    return f"CREATE TABLE {name}({', '.join(part for part in parts if part)})"


def case_of(path: Path, key: Key, *ddl: str, old_code: str = "code", fill: Sequence[str] = ()) -> Case:
    """Two tickets, of codes 1 and 2, that fit."""
    old = [table("ticket", key.old, old_code), key.insert(1, "1, 'a'"), key.insert(2, "2, 'b'"), *fill]
    return Case(path, old, schema(ddl, PERMIT))


def refusal(case: Case, *writes: str, mend: str = "DELETE FROM ticket WHERE kind = 'late'") -> str:
    """What the replay of late writes says, in one line. Once they are mended it goes on from there."""
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(*writes)
        with pytest.raises(Refused) as caught:
            replay(session)
        case.write(mend)
        replay(session)
        assert prove(session, ignore).rows == 2
    assert caught.value.hint is not None
    assert "the same command again" in caught.value.hint
    return caught.value.message


def refused(message: str, rows: str) -> str:
    return f'table "permit" of the new schema does not take a row: {message} (old table "ticket", {rows})'


def the(key: Key, *numbers: int) -> str:
    return " and ".join(key.shown.format(number) for number in numbers)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_duplicate_is_named_with_the_row_that_has_the_value(tmp_path: Path, key: Key) -> None:
    case = case_of(tmp_path, key, table("permit", key.new, "code UNIQUE"))
    message = refusal(case, key.insert(3, "1, 'late'"))
    assert message == refused("UNIQUE constraint failed: permit.code", f"rows with {key.name} {the(key, 3, 1)}: code 1")


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_two_late_rows_that_are_duplicates_of_one_another(tmp_path: Path, key: Key) -> None:
    case = case_of(tmp_path, key, table("permit", key.new, "code UNIQUE"))
    message = refusal(case, *(key.insert(number, f"{number % 2 + 7}, 'late'") for number in (3, 4, 5, 6)))
    rows = f"rows with {key.name} {the(key, 5, 3)}: code 8; {the(key, 6, 4)}: code 7"
    assert message == refused("UNIQUE constraint failed: permit.code", rows)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_null_is_named(tmp_path: Path, key: Key) -> None:
    case = case_of(tmp_path, key, table("permit", key.new, "code NOT NULL"))
    message = refusal(case, key.insert(3, "NULL, 'late'"))
    assert message == refused(
        "NOT NULL constraint failed: permit.code", f"row with {key.name} {the(key, 3)}: code NULL"
    )


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_row_that_breaks_a_check_is_named_with_what_the_check_reads(tmp_path: Path, key: Key) -> None:
    case = case_of(tmp_path, key, table("permit", key.new, constraint="CHECK (code < 5 OR kind <> 'late')"))
    message = refusal(case, key.insert(3, "4, 'late'"), key.insert(4, "5, 'late'"))
    rows = f"row with {key.name} {the(key, 4)}: code 5, kind 'late'"
    assert message == refused("CHECK constraint failed: code < 5 OR kind <> 'late'", rows)


INTEGER = KEYS["integer"]

OTHERS = {
    "composite unique": (
        (table("permit", INTEGER.new, constraint="UNIQUE (kind, code)"),),
        ("1, 'late'", "2, 'late'", "1, 'late'"),
        "UNIQUE constraint failed: permit.kind, permit.code",
        "rows with id 5 and 3: code 1, kind 'late'",
    ),
    "partial index": (
        (table("permit", INTEGER.new), "CREATE UNIQUE INDEX i ON permit(code) WHERE kind = 'late'"),
        ("1, 'late'", "1, 'late'"),
        "UNIQUE constraint failed: permit.code",
        "rows with id 4 and 3: code 1",
    ),
    "expression index": (
        (table("permit", INTEGER.new), "CREATE UNIQUE INDEX \"i'x\" ON permit(abs(code), 'x' || kind)"),
        ("-8, 'late'", "8, 'late'"),
        "UNIQUE constraint failed: index 'i''x'",
        "rows with id 4 and 3: code 8, kind 'late' and code -8, kind 'late'",
    ),
    "nocase": (
        (table("permit", INTEGER.new, "code TEXT COLLATE NOCASE UNIQUE"),),
        ("'bob', 'late'", "'BOB', 'late'"),
        "UNIQUE constraint failed: permit.code",
        "rows with id 4 and 3: code 'BOB' and code 'bob'",
    ),
    "unique on a generated column": (
        (table("permit", INTEGER.new, 'code, double AS (code * 2), "quad.ruple" AS (double * 2) UNIQUE'),),
        ("1, 'late'",),
        "UNIQUE constraint failed: permit.quad.ruple",
        "rows with id 3 and 1: code 1",
    ),
    "unique with a column that has its default": (
        (table("permit", INTEGER.new, "code, extra DEFAULT 5", "UNIQUE (extra, code)"),),
        ("1, 'late'",),
        "UNIQUE constraint failed: permit.extra, permit.code",
        "rows with id 3 and 1: code 1",
    ),
    "a conflict clause of the new table": (
        (table("permit", INTEGER.new, "code UNIQUE ON CONFLICT REPLACE"),),
        ("1, 'late'",),
        "UNIQUE constraint failed: permit.code",
        "rows with id 3 and 1: code 1",
    ),
    "check with a name": (
        (table("permit", INTEGER.new, constraint='CONSTRAINT "small code" CHECK (code < 5)'),),
        ("7, 'late'",),
        "CHECK constraint failed: small code",
        "row with id 3: code 7",
    ),
    "check with a comment": (
        (table("permit", INTEGER.new, constraint="CHECK (code -- not\n  /* too */ <   5)"),),
        ("7, 'late'",),
        "CHECK constraint failed: code -- not /* too */ < 5",
        "row with id 3: code 7",
    ),
    "strict": (
        (table("permit", INTEGER.new, "code INTEGER") + " STRICT",),
        ("'seven', 'late'", "x'07', 'late'", "'eight', 'late'"),
        "cannot store TEXT value in INTEGER column permit.code",
        "rows with id 3: code 'seven'; 5: code 'eight'",
    ),
    "more than are shown": (
        (table("permit", INTEGER.new, "code NOT NULL"),),
        ("NULL, 'late'", "7, 'late'", *["NULL, 'late'"] * 20),
        "NOT NULL constraint failed: permit.code",
        "rows with id 3: code NULL; 5: code NULL; 6: code NULL",
    ),
    "long values": (
        (table("permit", INTEGER.new, "code UNIQUE"),),
        ("zeroblob(5000000), 'late'", "zeroblob(5000000), 'late'"),
        "UNIQUE constraint failed: permit.code",
        f"rows with id 4 and 3: code x'{'00' * 32}'…",
    ),
    "text that is not UTF-8": (
        (table("permit", INTEGER.new, "code TEXT UNIQUE"),),
        ("CAST(x'ff41' AS TEXT), 'late'", "CAST(x'ff41' AS TEXT), 'late'"),
        "UNIQUE constraint failed: permit.code",
        "rows with id 4 and 3: code x'ff41'",
    ),
    "text of several lines": (
        (table("permit", INTEGER.new, "code TEXT UNIQUE"),),
        ("'a' || char(10, 0) || 'b', 'late'", "'a' || char(10, 0) || 'b', 'late'"),
        "UNIQUE constraint failed: permit.code",
        r"rows with id 4 and 3: code 'a\n\x00b'",
    ),
}


@pytest.mark.parametrize(("ddl", "late", "message", "rows"), OTHERS.values(), ids=OTHERS)
def test_rows_are_named_whatever_the_constraint(
    tmp_path: Path, ddl: tuple[str, ...], late: tuple[str, ...], message: str, rows: str
) -> None:
    case = case_of(tmp_path, INTEGER, *ddl)
    assert refusal(case, *(INTEGER.insert(number, values) for number, values in enumerate(late, 3))) == refused(
        message, rows
    )


def test_keys_of_text_that_is_not_utf_8_find_their_rows(tmp_path: Path) -> None:
    key = KEYS["text"]
    case = case_of(
        tmp_path,
        key,
        table("permit", key.new, "code UNIQUE"),
        fill=["UPDATE ticket SET id = CAST(x'ff' AS TEXT) WHERE code = 1"],
    )
    message = refusal(case, key.insert(3, "1, 'late'"))
    assert message == refused("UNIQUE constraint failed: permit.code", "rows with id 'k3' and x'ff': code 1")


@pytest.mark.parametrize("name", ["o", "p", "main", "temp", "old", "suspects", 'a "b" c.d', "", "id"])
def test_no_name_of_a_table_is_in_the_way(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    old = [f"CREATE TABLE {quoted}(old_id INTEGER PRIMARY KEY, new_id)", f"INSERT INTO {quoted} VALUES (1, 5), (2, 7)"]
    new = [f"CREATE TABLE {quoted}(old_id INTEGER PRIMARY KEY, new_id UNIQUE)"]
    case = Case(tmp_path, old, schema(new))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(f"INSERT INTO {quoted} VALUES (3, 7)")
        rows = f'(old table "{name}", rows with old_id 3 and 2: new_id 7)'
        with pytest.raises(Refused, match=re.escape(rows)):
            replay(session)


# --- keys that the new schema computes


EMAILS = [
    "CREATE TABLE ticket(id INTEGER PRIMARY KEY, email TEXT, kind TEXT)",
    "INSERT INTO ticket VALUES (1, 'a', 'x'), (2, 'b', 'y')",
]
TAKEN = "email would be the same for two old rows"


@pytest.mark.parametrize(
    ("late", "rows"),
    [
        ("INSERT INTO ticket VALUES (3, 'a', 'late')", "rows with id 3 and 1: email 'a'"),
        ("INSERT INTO ticket VALUES (3, 'c', 'late'), (4, 'c', 'late')", "rows with id 3 and 4: email 'c'"),
        ("INSERT INTO ticket VALUES (3, NULL, 'late')", None),
    ],
)
def test_a_computed_key_that_another_row_has_is_refused_before_it_takes_that_row_s_place(
    tmp_path: Path, late: str, rows: str | None
) -> None:
    new = ["CREATE TABLE permit(email TEXT NOT NULL PRIMARY KEY, kind TEXT)"]
    case = Case(tmp_path, EMAILS, schema(new, PERMIT))
    message = refusal(case, late)
    if rows is None:
        assert message == refused("NOT NULL constraint failed: permit.email", "row with id 3: email NULL")
    else:
        assert message == refused(TAKEN, rows)
    assert case.new_rows("SELECT * FROM permit ORDER BY 1") == [("a", "x"), ("b", "y")]


def test_a_row_that_moves_to_the_computed_key_of_another_is_refused(tmp_path: Path) -> None:
    case = Case(tmp_path, EMAILS, schema(["CREATE TABLE permit(email TEXT NOT NULL PRIMARY KEY, kind TEXT)"], PERMIT))
    message = refusal(
        case, "UPDATE ticket SET email = 'a' WHERE id = 2", mend="UPDATE ticket SET email = 'b' WHERE id = 2"
    )
    assert message == refused(TAKEN, "rows with id 2 and 1: email 'a'")


def test_a_computed_key_that_was_mapped_twice_during_the_copy_is_refused(tmp_path: Path) -> None:
    """The late row is mapped with all others, but left out of the copy: no constraint sees it."""
    case = Case(tmp_path, EMAILS, schema(["CREATE TABLE permit(email TEXT NOT NULL PRIMARY KEY, kind TEXT)"], PERMIT))
    case.record()
    case.write("INSERT INTO ticket VALUES (3, 'a', 'late')")
    with case.session() as session:
        case.copy(session)
        with pytest.raises(Refused) as caught:
            replay(session)
        assert caught.value.message == refused(TAKEN, "rows with id 3 and 1: email 'a'")
        case.write("DELETE FROM ticket WHERE id = 1")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM permit ORDER BY 1") == [("a", "late"), ("b", "y")]


def test_computed_keys_that_are_swapped_or_handed_on_are_no_conflict(tmp_path: Path) -> None:
    case = Case(tmp_path, EMAILS, schema(["CREATE TABLE permit(email TEXT NOT NULL PRIMARY KEY, kind TEXT)"], PERMIT))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE ticket SET email = CASE id WHEN 1 THEN 'b' ELSE 'a' END")
        replay(session)
        case.write("INSERT INTO ticket VALUES (3, 'a', 'z')", "DELETE FROM ticket WHERE id = 2")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM permit ORDER BY 1") == [("a", "z"), ("b", "x")]


def test_a_computed_key_is_equal_by_the_new_collation(tmp_path: Path) -> None:
    new = ["CREATE TABLE permit(email TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, kind TEXT)"]
    case = Case(tmp_path, EMAILS, schema(new, PERMIT))
    message = refusal(case, "INSERT INTO ticket VALUES (3, 'A', 'late')")
    rows = "rows with id 3 and 1: email 'A' and email 'a'"
    assert message == refused("UNIQUE constraint failed: permit.email", rows)


# --- seed rows


def test_a_seed_row_that_has_the_value_is_named(tmp_path: Path) -> None:
    new = ["CREATE TABLE permit(id INTEGER PRIMARY KEY, code UNIQUE, kind TEXT)"]
    seeds = [rules("permit", was="ticket", seeds=[seed(True, id=9, code=90, kind="s")])]
    old = [table("ticket", INTEGER.old), INTEGER.insert(1, "1, 'a'"), INTEGER.insert(2, "2, 'b'")]
    case = Case(tmp_path, old, schema(new, seeds))
    message = refusal(case, INTEGER.insert(3, "90, 'late'"))
    assert message == refused("UNIQUE constraint failed: permit.code", "row with id 3 and seed row 9: code 90")


def test_a_seed_row_that_comes_back_and_finds_its_value_taken(tmp_path: Path) -> None:
    new = ["CREATE TABLE permit(id INTEGER PRIMARY KEY, code UNIQUE ON CONFLICT REPLACE, kind TEXT)"]
    seeds = [rules("permit", was="ticket", seeds=[seed(True, id=9, code=90, kind="s")])]
    old = [table("ticket", INTEGER.old), INTEGER.insert(1, "1, 'a'"), INTEGER.insert(9, "2, 'b'")]
    case = Case(tmp_path, old, schema(new, seeds))
    message = refusal(
        case,
        INTEGER.insert(3, "90, 'late'"),
        "DELETE FROM ticket WHERE id = 9",
        mend="UPDATE ticket SET id = 4, code = 5 WHERE id = 3",
    )
    assert message == refused("UNIQUE constraint failed: permit.code", "row with id 3 and seed row 9: code 90")


# --- the copy


def copied(case: Case, *between: str) -> tuple[str, str]:
    """Message and hint of a copy that is refused; ``between`` is written after its first chunk."""
    writes = list(between)

    def write(_table: str, _rows: int) -> None:
        while writes:
            case.write(writes.pop(0))

    with case.session() as session, pytest.raises(Refused) as caught:
        copy_all(session, indexes_of(case.schema), write)
    return caught.value.message, caught.value.hint or ""


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_duplicate_that_the_copy_meets(tmp_path: Path, key: Key) -> None:
    case = case_of(tmp_path, key, table("permit", key.new, "code UNIQUE"), fill=[key.insert(3, "1, 'late'")])
    case.record()
    message, hint = copied(case)
    assert message == refused("UNIQUE constraint failed: permit.code", f"rows with {key.name} {the(key, 3, 1)}: code 1")
    assert "named first" in hint
    case.write("DELETE FROM ticket WHERE kind = 'late'")
    with case.session() as session:
        case.copy(session)
        replay(session)
        assert prove(session, ignore).rows == 2


def test_a_duplicate_of_a_row_that_an_earlier_chunk_copied(tmp_path: Path) -> None:
    fill = (
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO ticket SELECT i, i, 'x' FROM n"
    )
    late = [fill, "UPDATE ticket SET code = 5, kind = 'late' WHERE id IN (1777, 2999)"]
    case = case_of(tmp_path, INTEGER, table("permit", INTEGER.new, "code UNIQUE"), fill=late)
    case.record()
    message, _ = copied(case)
    assert message == refused(
        "UNIQUE constraint failed: permit.code", "rows with id 1777 and 5: code 5; 2999 and 5: code 5"
    )
    case.write("UPDATE ticket SET code = id WHERE kind = 'late'")
    with case.session() as session:
        case.copy(session)
        replay(session)
        assert prove(session, ignore).rows == 3000


INDEXES = {
    "code": ("permit.code", "4 and 1: code 1"),
    "kind COLLATE NOCASE, code": ("permit.kind, permit.code", "4 and 1: code 1, kind 'A' and code 1, kind 'a'"),
    "code % 10) WHERE (kind IS NOT 'b'": ("index 'i'", "4 and 1: code 1; 5 and 3: code 13 and code 3"),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(("columns", "message", "rows"), [(on, *told) for on, told in INDEXES.items()], ids=INDEXES)
def test_duplicates_that_a_unique_index_meets(tmp_path: Path, key: Key, columns: str, message: str, rows: str) -> None:
    fill = [key.insert(number, f"{code}, 'A'") for number, code in ((3, 3), (4, 1), (5, 13))]
    fill.append(key.insert(8, "12, 'b'"))
    fill += [key.insert(number, "NULL, NULL") for number in (6, 7)]
    case = case_of(tmp_path, key, table("permit", key.new), f"CREATE UNIQUE INDEX i ON permit({columns})", fill=fill)
    case.record()
    told, hint = copied(case)
    wanted = re.sub(r"(\d) and (\d)(?=:)", lambda pair: the(key, int(pair[1]), int(pair[2])), rows)
    assert told == refused(f"UNIQUE constraint failed: {message}", f"rows with {key.name} {wanted}")
    assert "hotmig reset" in hint


def test_an_old_row_that_has_a_seed_row_s_value_when_it_is_copied(tmp_path: Path) -> None:
    new = ["CREATE TABLE permit(id INTEGER PRIMARY KEY, code UNIQUE, kind TEXT)"]
    seeds = [rules("permit", was="ticket", seeds=[seed(id=8, code=80, kind="s"), seed(id=9, code=2, kind="s")])]
    old = [table("ticket", INTEGER.old), INTEGER.insert(1, "1, 'a'"), INTEGER.insert(2, "2, 'b'")]
    case = Case(tmp_path, old, schema(new, seeds))
    case.record()
    message, hint = copied(case)
    assert message == refused("UNIQUE constraint failed: permit.code", "row with id 2 and seed row 9: code 2")
    assert "hotmig reset" in hint


# --- the deadline


def test_a_search_that_is_cut_short_leaves_the_refusal(tmp_path: Path) -> None:
    case = case_of(tmp_path, INTEGER, table("permit", INTEGER.new, "code UNIQUE"))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(*(INTEGER.insert(number, "1, 'late'") for number in range(3, 3000)))
        begun: list[str] = []
        session.db.set_trace_callback(lambda sql: begun.append(sql) if "suspects(" in sql else None)
        session.db.set_progress_handler(lambda: bool(begun), 100)
        with pytest.raises(Refused) as caught:
            replay(session, finish=True)
        session.db.set_progress_handler(None, 0)
        assert caught.value.message.endswith("does not take a row: UNIQUE constraint failed: permit.code")
        assert begun
        assert not session.db.in_transaction
        case.write("DELETE FROM ticket WHERE kind = 'late'")
        replay(session, finish=True)
        assert prove(session, ignore).rows == 2
