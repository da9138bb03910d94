"""Marks, former names and what is pending: laws over any module and any marks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hotmig.planning.data_marks import Known, Mark, all_known, merged, pending, resolved, still_pending, unknown
from hotmig.schema.model import DataMigration, Place
from hotmig.transfer.marks import CREATE_MARKS, MARKS, read_marks, rename_marks

WORDS = [f"old_{n}" for n in range(6)]


def migration(number: int, former: tuple[str, ...] = ()) -> DataMigration:
    return DataMigration(f"{number:03}_step", "cutover", former, Place(Path("schema.py"), number), lambda _: None)


@st.composite
def modules(draw: st.DrawFn) -> tuple[DataMigration, ...]:
    """Up to five, with former names that no two of them share."""
    words = draw(st.permutations(WORDS))
    made = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        count = draw(st.integers(0, min(2, len(words))))
        made.append(migration(number, tuple(words[:count])))
        words = words[count:]
    return tuple(made)


NAMES = st.sampled_from([*WORDS, *(f"{number:03}_step" for number in range(1, 8))])
MARK = st.builds(
    lambda name, applied: Mark(name, "2026", None, None) if applied else Mark(name, None, "2026", "why"),
    NAMES,
    st.booleans(),
)
SETS_OF_MARKS = st.lists(MARK, unique_by=lambda mark: mark.name, max_size=6).map(tuple)


@given(modules(), SETS_OF_MARKS)
def test_each_migration_is_either_pending_or_marked(
    declared: tuple[DataMigration, ...], marks: tuple[Mark, ...]
) -> None:
    done, waiting = resolved(declared, marks), pending(declared, marks)
    assert [each.name for each in declared] == sorted([*done, *(each.name for each in waiting)])
    assert list(waiting) == sorted(waiting, key=lambda each: each.name)
    names = {mark.name for mark in marks}
    for each in declared:
        assert (each.name in done) == bool(names & {each.name, *each.formerly})


@given(modules(), SETS_OF_MARKS)
def test_a_mark_under_the_present_name_stands_whatever_was_noted_before(
    declared: tuple[DataMigration, ...], marks: tuple[Mark, ...]
) -> None:
    by_name = {mark.name: mark for mark in marks}
    for name, mark in resolved(declared, marks).items():
        assert mark.name == name
        assert name not in by_name or mark == by_name[name]


@given(modules(), SETS_OF_MARKS)
def test_nothing_is_unknown_if_and_only_if_each_mark_is_of_some_migration(
    declared: tuple[DataMigration, ...], marks: tuple[Mark, ...]
) -> None:
    strangers = unknown(declared, (mark.name for mark in marks))
    rest = [mark for mark in marks if mark.name not in strangers]
    assert unknown(declared, (mark.name for mark in rest)) == ()
    assert resolved(declared, rest) == resolved(declared, marks)
    assert all_known(declared, (mark.name for mark in marks)) == (pending(declared, marks) == ())


@given(SETS_OF_MARKS, SETS_OF_MARKS)
def test_what_was_applied_was_applied_whoever_noted_it(own: tuple[Mark, ...], earlier: tuple[Mark, ...]) -> None:
    adopted = tuple(mark for mark in earlier if mark.applied_utc)
    found = {mark.name: mark for mark in merged(own, adopted)}
    assert found.keys() == {mark.name for mark in (*own, *adopted)}
    for mark in (*own, *adopted):
        assert mark.applied_utc is None or found[mark.name].applied_utc is not None


@given(modules(), SETS_OF_MARKS)
def test_renamed_marks_say_the_same_under_present_names_alone(
    declared: tuple[DataMigration, ...], marks: tuple[Mark, ...]
) -> None:
    class Declared:
        data_migrations = declared

    db = sqlite3.connect(":memory:")
    db.execute(CREATE_MARKS)
    # As a database that was made by hotmig has them: nothing of what it knows of its schema is needed here.
    rows = [(mark.name, mark.applied_utc, mark.skipped_utc, mark.reason) for mark in marks]
    db.executemany(f"INSERT INTO {MARKS} VALUES (?, ?, ?, ?)", rows)
    rename_marks(db, Declared)  # type: ignore[arg-type]
    after = read_marks(db)
    assert resolved(declared, after) == resolved(declared, marks)
    assert not {mark.name for mark in after} & {name for each in declared for name in each.formerly}
    rename_marks(db, Declared)  # type: ignore[arg-type]
    assert read_marks(db) == after


@given(SETS_OF_MARKS)
def test_a_database_knows_itself_what_is_pending_in_it(marks: tuple[Mark, ...]) -> None:
    known = tuple(Known(f"{number:03}_step", "after") for number in range(1, 8))
    names = {mark.name for mark in marks}
    assert still_pending(known, marks) == tuple(each for each in known if each.name not in names)
