"""Tables whose rows are hard to find again, or not at all."""

from __future__ import annotations

from tests.planning.planned import planned


def test_a_table_without_any_key_blocks() -> None:
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


def test_a_table_that_is_keyed_by_rowid_is_warned_of() -> None:
    message = (
        "t has no key of its own: its rows are found by rowid, which VACUUM renumbers;"
        " don't VACUUM the old database while migrating"
    )
    found = planned("CREATE TABLE t(x TEXT)", "@table\nclass T:\n    x: str | None\n")
    assert found.of("key") == [("warn", message, None)]


def test_a_primary_key_that_may_be_null_is_no_key() -> None:
    module = "@table\nclass T:\n    a: Annotated[{}, Key]\n    b: Annotated[{}, Key]\n"
    found = planned("CREATE TABLE t(a TEXT NOT NULL, b TEXT, PRIMARY KEY (a, b))", module.format("str", "str | None"))
    message = (
        "the PRIMARY KEY (a, b) of t is not declared NOT NULL, and SQLite then lets NULLs into it: its rows are"
        " found by rowid, which VACUUM renumbers; don't VACUUM the old database while migrating; a later migration"
        " finds them by a, b if it is NOT NULL in the new schema"
    )
    assert found.of("key") == [("warn", message, None)]
    declared = "CREATE TABLE t(a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b))"
    assert planned(declared, module.format("str", "str")).findings == ()
