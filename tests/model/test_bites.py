"""Tests of the test: with any of these pieces of the product broken, the property test's machinery fails.

Each mutation is applied in memory. The same cases pass when nothing is broken, so it is the mutation that is found:
by the product's own proof where the write comes before it, by the independent model where it comes after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from hotmig.capture import triggers
from hotmig.capture.log import log_both_keys, log_key
from hotmig.phases import drain, plan
from hotmig.planning.model import SourceKey
from hotmig.transfer import comparison, copy, id_mapping
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.proof import prove
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql
from tests.model.driver import Driver
from tests.model.render import render_module
from tests.model.schemas import Carried, Change, Column, Follows, NewTable, Reference, Table, UniqueIndex, create
from tests.model.test_migration_property import differences
from tests.model.writes import Application, Delete, Disguise, Insert, Transaction, Update, Write
from tests.scenarios.exact import Text

Moment = Literal["after the first chunk of the copy", "before the proof", "after the proof"]
Patch = pytest.MonkeyPatch
REFUSED = "hotmig {} ended with 3(?s:.*)"


@dataclass(frozen=True)
class Case:
    """Rows that are there before anything else, and writes that come at one moment of the migration."""

    table: Table
    rows: tuple[Insert, ...]
    late: tuple[Write, ...]

    @property
    def change(self) -> Change:
        """Another name for the table, and no constraint but its key: nothing but the proof stops a wrong row."""
        new = Table("moved", self.table.columns, self.table.kind, self.table.key)
        sources = tuple(Carried(column.name) for column in self.table.columns)
        return Change((self.table,), (NewTable(new, self.table.name, sources),), ())


def migrate(directory: Path, case: Case, moment: Moment, patch: Patch, change: Change | None = None) -> list[str]:
    """What differs in the end; raises AssertionError when a command fails."""
    driver = Driver(directory, chunk_rows=2)
    change = change or case.change
    create(driver.old, change.old, "wal")
    driver.write_module(render_module(change))
    application = Application(driver.old)
    try:
        assert application.run(Transaction(case.rows)) == "accepted"
        write = _once(lambda: application.run(Transaction(case.late)))
        if moment == "after the first chunk of the copy":
            patch.setattr(Session, "let_writers_in", _then(Session.let_writers_in, write))
        elif moment == "after the proof":
            patch.setattr(drain, "prove", _then(prove, write))
        driver.migrate(_nothing)
        if moment == "before the proof":
            write()
        driver.drain(_nothing)
        driver.cutover(_nothing)
        assert write() is None, "the moment never came"
    finally:
        application.close()
    return differences(driver, change)


def _nothing() -> None:
    pass


def _once(write: Callable[[], str]) -> Callable[[], str | None]:
    left = [write]
    return lambda: left.pop()() if left else None


def _then(first: Callable[..., Any], second: Callable[[], object]) -> Callable[..., Any]:
    def both(*arguments: Any) -> Any:
        result = first(*arguments)
        second()
        return result

    return both


def word(text: str) -> Text:
    return Text(text.encode())


BY_ID = Table(
    "item",
    (Column("id", "INTEGER"), Column("code", "TEXT", collation="NOCASE"), Column("any", "")),
    "integer",
    ("id",),
    uniques=(("code",),),
    unique_indexes=(UniqueIndex("of_numbers", '"any"', "typeof(\"any\") = 'integer'"),),
)
BY_EXPRESSION = Table(
    "item",
    BY_ID.columns,
    "integer",
    ("id",),
    unique_indexes=(UniqueIndex("by_length", 'length("code")'),),
)
BY_CODE = Table(
    "item", (Column("code", "TEXT", True, None, "NOCASE"), Column("any", "")), "primary", ("code",), uniques=()
)
THREE = tuple(
    Insert(BY_ID, "", (number, word(code), number)) for number, code in ((1, "a"), (2, "bb"), (3, "ccc"), (4, "dddd"))
)
CODES = tuple(Insert(BY_CODE, "", (word(code), number), number) for number, code in enumerate(("ann", "bob", "cat"), 1))


def by_id(*late: Write) -> Case:
    return Case(BY_ID, THREE, late)


def by_code(*late: Write) -> Case:
    return Case(BY_CODE, CODES, late)


EVICTIONS = {
    "by a UNIQUE column": by_id(Insert(BY_ID, "OR REPLACE", (9, word("BB"), None))),
    "by a partial index": by_id(Insert(BY_ID, "OR REPLACE", (9, word("new"), 2))),
    "by an update": by_id(Update(BY_ID, "OR REPLACE", 0, "code", word("bb"))),
    "by an expression": Case(
        BY_EXPRESSION,
        tuple(Insert(BY_EXPRESSION, "", row.values) for row in THREE),
        (Insert(BY_EXPRESSION, "OR REPLACE", (9, word("zz"), None)),),
    ),
    "by the rowid": by_code(Insert(BY_CODE, "OR REPLACE", (word("new"), None), 2)),
}
WRITES = {
    "insert": by_id(Insert(BY_ID, "", (9, word("new"), None))),
    "delete": by_id(Delete(BY_ID, 1)),
    "update": by_id(Update(BY_ID, "", 1, "any", word("new"))),
    "update of the key": by_id(Update(BY_ID, "", 1, "id", 9)),
}
# Row 1's code moves to row 4, which the copy has not reached when it has row 1.
MOVED = by_id(Update(BY_ID, "", 0, "code", word("e")), Update(BY_ID, "", 3, "code", word("a")))
# SQLite takes old and new for equal: 'bob' and 'BOB' under NOCASE, 1 and 1.0.
LOOK_ALIKE = by_id(Disguise(BY_ID, 1))
LOOK_ALIKE_KEY = by_code(Disguise(BY_CODE, 1))
WITH_UNIQUE = Change(
    (BY_ID,),
    (
        NewTable(
            Table("moved", BY_ID.columns, "integer", ("id",), uniques=(("code",),)), "item", MOVED.change.new[0].sources
        ),
    ),
    (),
)


# The new key is a column of its own, and the children follow it.
PIECE = Table(
    "piece",
    (Column("id", "INTEGER"), Column("item", "INTEGER")),
    "integer",
    ("id",),
    references=(Reference(("item",), "item", ("id",)),),
)
ITEM = Table("item", (Column("id", "INTEGER"), Column("any", "", True)), "integer", ("id",), uniques=(("any",),))
NEW_ITEM = Table("item", (ITEM.columns[1], ITEM.columns[0]), "primary", ("any",))
NEW_PIECE = replace(
    PIECE, columns=(PIECE.columns[0], Column("item", "")), references=(Reference(("item",), "item", ("any",)),)
)
BY_ANY = Change(
    (ITEM, PIECE),
    (
        NewTable(NEW_ITEM, "item", (Carried("any"), Carried("id"))),
        NewTable(NEW_PIECE, "piece", (Carried("id"), Follows("item", "refuse"))),
    ),
    (),
)
ITEMS = (*(Insert(ITEM, "", (number, number)) for number in (1, 2, 3)), Insert(PIECE, "", (1, 2)))
LOOK_ALIKE_NEW_KEY = Case(ITEM, ITEMS, (Disguise(ITEM, 1),))


def is_only(left: str, right: str, *, signed_zero: bool = False, stored_as: str | None = None) -> str:
    """Plain IS in place of *same*."""
    del signed_zero, stored_as
    return f"({left} IS {right})"


class NothingLeftOut(LoggedKeys):
    def unlogged(self, step: StepSql, key: Sequence[str]) -> str:
        del step, key
        return "1"


def leave_out(patch: Patch, operation: str, row: str) -> None:
    """Takes the statement that logs that row's key out of the triggers, or its half where one logs both keys."""

    def one(name: str, key: SourceKey, which: str, condition: str = "1") -> str:
        return "SELECT 1" if (name, which) == (operation, row) else log_key(name, key, which, condition)

    def both(name: str, key: SourceKey, condition: str) -> str:
        if name != operation:
            return log_both_keys(name, key, condition)
        return log_key(name, key, "NEW", condition) if row == "OLD" else log_key(name, key, "OLD")

    patch.setattr(triggers, "log_key", one)
    patch.setattr(triggers, "log_both_keys", both)


CASES = {**EVICTIONS, **WRITES, "look-alike": LOOK_ALIKE, "look-alike key": LOOK_ALIKE_KEY}


@pytest.mark.parametrize("moment", ["before the proof", "after the proof"])
@pytest.mark.parametrize("case", CASES)
def test_with_nothing_broken_every_case_passes(case: str, moment: Moment, tmp_path: Path, monkeypatch: Patch) -> None:
    assert migrate(tmp_path, CASES[case], moment, monkeypatch) == []


def test_with_nothing_broken_a_unique_value_may_move_during_the_copy(tmp_path: Path, monkeypatch: Patch) -> None:
    assert migrate(tmp_path, MOVED, "after the first chunk of the copy", monkeypatch, WITH_UNIQUE) == []


@pytest.mark.parametrize("case", EVICTIONS)
def test_without_the_probes_the_proof_refuses(case: str, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(triggers, "probe_statements", lambda *_: ())
    with pytest.raises(AssertionError, match=f"{REFUSED.format('drain')}the proof failed"):
        migrate(tmp_path, EVICTIONS[case], "before the proof", monkeypatch)


@pytest.mark.parametrize("case", EVICTIONS)
def test_without_the_probes_the_model_finds_the_evicted_row(case: str, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(triggers, "probe_statements", lambda *_: ())
    (difference,) = migrate(tmp_path, EVICTIONS[case], "after the proof", monkeypatch)
    assert "0 missing, 1 too many" in difference


KEYS = [
    pytest.param("insert", "NEW", "insert", "1 missing, 0 too many", id="insert"),
    pytest.param("delete", "OLD", "delete", "0 missing, 1 too many", id="delete"),
    pytest.param("update", "OLD", "update", "1 missing, 1 too many", id="update"),
    pytest.param("update", "OLD", "update of the key", "0 missing, 1 too many", id="the old key of an update"),
    pytest.param("update", "NEW", "update of the key", "1 missing, 0 too many", id="the new key of an update"),
]


@pytest.mark.parametrize(("operation", "row", "case", "found"), KEYS)
def test_with_a_key_not_logged_the_proof_refuses(
    operation: str, row: str, case: str, found: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    del found
    leave_out(monkeypatch, operation, row)
    with pytest.raises(AssertionError, match=f"{REFUSED.format('drain')}the proof failed"):
        migrate(tmp_path, WRITES[case], "before the proof", monkeypatch)


@pytest.mark.parametrize(("operation", "row", "case", "found"), KEYS)
def test_with_a_key_not_logged_the_model_finds_the_row(
    operation: str, row: str, case: str, found: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    leave_out(monkeypatch, operation, row)
    (difference,) = migrate(tmp_path, WRITES[case], "after the proof", monkeypatch)
    assert found in difference


@pytest.mark.parametrize("moment", ["before the proof", "after the proof"])
def test_with_is_in_place_of_same_the_model_finds_the_look_alike(
    moment: Moment, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Replay and proof are blind together: only the model sees it."""
    monkeypatch.setattr(comparison, "same", is_only)
    (difference,) = migrate(tmp_path, LOOK_ALIKE, moment, monkeypatch)
    assert "1 missing, 1 too many" in difference


def test_with_is_in_place_of_same_the_model_finds_the_look_alike_key(tmp_path: Path, monkeypatch: Patch) -> None:
    """The AFTER UPDATE trigger takes the key for unchanged, and the row for gone."""
    monkeypatch.setattr(triggers, "same", is_only)
    (difference,) = migrate(tmp_path, LOOK_ALIKE_KEY, "after the proof", monkeypatch)
    assert "1 missing, 0 too many" in difference


@pytest.mark.parametrize("moment", ["before the proof", "after the proof"])
def test_with_is_in_place_of_same_the_model_finds_the_look_alike_new_key(
    moment: Moment, tmp_path: Path, monkeypatch: Patch
) -> None:
    """The mapping keeps the new key 2 of a row that now has 2.0, and hands it to the children."""
    (tmp_path / "whole").mkdir()
    assert migrate(tmp_path / "whole", LOOK_ALIKE_NEW_KEY, moment, monkeypatch, BY_ANY) == []
    monkeypatch.setattr(id_mapping, "same", is_only)
    (tmp_path / "broken").mkdir()
    assert migrate(tmp_path / "broken", LOOK_ALIKE_NEW_KEY, moment, monkeypatch, BY_ANY) != []


def test_with_logged_rows_in_the_copy_a_moved_value_meets_itself(tmp_path: Path, monkeypatch: Patch) -> None:
    # One statement, or one copy of the pages, reads one state, logged rows and all.
    monkeypatch.setattr(copy, "copy_as_is", lambda *_: {})
    monkeypatch.setattr(plan, "goes_by_pages", lambda *_, **__: False)
    monkeypatch.setattr(copy, "LoggedKeys", NothingLeftOut)
    with pytest.raises(AssertionError, match=f"{REFUSED.format('migrate')}UNIQUE"):
        migrate(tmp_path, MOVED, "after the first chunk of the copy", monkeypatch, WITH_UNIQUE)
