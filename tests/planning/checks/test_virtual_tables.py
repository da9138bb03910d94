"""Virtual tables, on which no trigger can stand."""

from __future__ import annotations

from tests.planning.planned import planned

DOCS = "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT)"
NEW = "@table\nclass Docs:\n    id: Annotated[int, Key] = auto()\n    body: str | None\n"
OWN = "CREATE VIRTUAL TABLE notes USING fts5(body)"
EXTERNAL = "CREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid=id)"


def test_rows_of_its_own_block() -> None:
    found = planned(f"{DOCS}; {OWN}; INSERT INTO notes VALUES ('a')", NEW)
    message = "notes (fts5) holds 1 row that no trigger can record"
    assert found.of("virtual-table") == [("block", message, 'dropped("notes")')]


def test_unless_they_are_given_up_or_there_are_none() -> None:
    given_up = NEW + 'dropped("notes")'
    assert planned(f"{DOCS}; {OWN}; INSERT INTO notes VALUES ('a')", given_up).objections == ()
    assert planned(f"{DOCS}; {OWN}", NEW).objections == ()


def test_external_content_is_rebuilt() -> None:
    old = f"{DOCS}; {EXTERNAL}; INSERT INTO docs VALUES (1, 'a')"
    found = planned(old, f'{NEW}sql("{EXTERNAL}")')
    message = "docs_fts is built anew from docs while writes are paused"
    assert found.of("virtual-table") == [("note", message, None)]


def test_external_content_that_the_new_schema_leaves_out_is_not_rebuilt() -> None:
    assert planned(f"{DOCS}; {EXTERNAL}; INSERT INTO docs VALUES (1, 'a')", NEW).of("virtual-table") == []
