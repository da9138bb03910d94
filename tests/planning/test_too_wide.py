"""A table can have 2,000 columns, and so can a SELECT: an old key that stands beside the new columns counts too."""

from __future__ import annotations

from tests.planning.planned import planned

KEYED = "CREATE TABLE wide(c0 INTEGER PRIMARY KEY, {})"
BARE = "CREATE TABLE wide(c0 INT, {})"


def columns(count: int) -> str:
    return ", ".join(f"c{number} TEXT" for number in range(1, count))


def module(count: int, first: str) -> str:
    fields = "".join(f"    c{number}: str | None = None\n" for number in range(1, count))
    return f"@table\nclass Wide:\n    {first}\n{fields}"


KEY = "c0: Annotated[int, Key] = auto()"
NO_KEY = 'c0: Annotated[int | None, ColumnType("INT")] = None'


def test_two_thousand_columns_fit_when_the_key_is_one_of_them() -> None:
    assert planned(KEYED.format(columns(2000)), module(2000, KEY)).of("too-wide") == []


def test_a_rowid_comes_on_top() -> None:
    message = (
        "2,000 columns of wide and its old key (rowid) are more than the 2,000 that SQLite takes at once: give the old"
        " table an INTEGER PRIMARY KEY or a UNIQUE index over NOT NULL columns and keep it, or take columns out"
    )
    assert planned(BARE.format(columns(2000)), module(2000, NO_KEY)).of("too-wide") == [("block", message, None)]


def test_with_one_column_less_it_fits() -> None:
    assert planned(BARE.format(columns(1999)), module(1999, NO_KEY)).of("too-wide") == []
