"""The report of rows that become one: every row of every kind, as JSON.

SQLite writes the JSON of each row, and a cursor streams it into the file: there can be as many entries as rows, and
each would take Python longer than its row took to be copied.
"""

from __future__ import annotations

import codecs
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hotmig.planning.group_facts import KINDS, Kind
from hotmig.private import open_private
from hotmig.sqlite import execute, text
from hotmig.transfer.groups.listing import PORTION, Listing, listing, short_reads
from hotmig.transfer.groups.sql import GroupSql
from hotmig.transfer.session import Session

FORMAT = 1
HEAD = f'{{"format": {FORMAT}, "run_id": '
NO_TEXT = "hotmig_no_text"
MOST_PAIRS = 50  # of json_object, which takes 127 arguments
LARGEST_REAL = "1.7976931348623157e308"

Counts = Mapping[str, Mapping[Kind, int]]


def write_report(session: Session, path: Path, run_id: str | None, counts: Counts) -> None:
    """Writes it into a file for its owner alone; a file that is there is replaced.

    ``counts`` are those of ``listing``: to count takes a while, and whoever asks for a report has done so.
    """
    draft = path.with_name(f".{path.name}.tmp")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = open_private(draft, must_be_new=True)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(session, file, run_id, counts)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _write(session: Session, file: BinaryIO, run_id: str | None, counts: Counts) -> None:
    def put(given: str) -> None:
        file.write(given.encode())

    put(f'{HEAD}{json.dumps(run_id)}, "tables": [')
    for number, group in enumerate(session.groups):
        name = group.step.table.name
        table = {"table": name, "source": group.sql.source_key.table, "counts": counts[name]}
        put(f"{',' if number else ''}\n{json.dumps(table, ensure_ascii=False)[:-1]}")
        for kind in KINDS:
            put(f', "{kind}": [')
            between = b"\n  "
            with _undecoded(session.db):
                for portion in _entries(session, group, kind):
                    file.write(between + _as_utf8(portion))
                    between = b",\n  "
            put("]")
        put("}")
    put("\n]}\n")


@contextmanager
def _undecoded(db: sqlite3.Connection) -> Iterator[None]:
    """Text arrives as bytes: to decode it entry by entry takes as long as to read it."""
    decode = db.text_factory
    db.text_factory = bytes
    try:
        yield
    finally:
        db.text_factory = decode


def _entries(session: Session, group: GroupSql, kind: Kind) -> Iterator[bytes]:
    """Some at a time: one by one the calls would take as long as the rows."""
    found = listing(group, kind)
    if found is None:
        return
    for some, parameters in short_reads(session, found):
        cursor = execute(session.db, _as_json(group, kind, found, some), parameters)
        while rows := cursor.fetchmany(PORTION):
            yield _joined(rows)


def _joined(rows: Iterable[tuple[bytes]]) -> bytes:
    return b",\n  ".join([entry for (entry,) in rows])


def _as_utf8(entries: bytes) -> bytes:
    """What is wrong with a text that is no UTF-8 is written as ``\\xff``."""
    return entries if entries.isascii() else entries.decode(errors=NO_TEXT).encode()


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    # Two backslashes: this stands inside a string of JSON.
    return "".join(f"\\\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(NO_TEXT, _escaped)

# --- JSON


def _as_json(group: GroupSql, kind: Kind, found: Listing, rows: str) -> str:
    """One text for each of ``rows``, and what they are ordered by where they are not.

    Where old rows are read each value has a name inside, so that it is looked up once. Two LIMITs: of a single limited
    one SQLite makes one SELECT, and looks a value up wherever its name stands.
    """
    if found.reads_old_rows:
        names = {sql: f"v{number}" for number, sql in enumerate(found.columns, 1)}
        named = ", ".join(f"{sql} AS {name}" for sql, name in names.items())
        source = f"(SELECT {named} FROM ({rows}) AS l WHERE {found.where} LIMIT -1) LIMIT -1"
    else:
        names = {sql: sql for sql in found.columns}
        source = f"({found.rows}) AS l ORDER BY {', '.join(found.order)}"
    key = group.step.new_key if kind == "created" else group.sql.source_key.columns

    def of(titles: Sequence[str], values: Sequence[str]) -> str:
        return _object(titles, [names[sql] for sql in values])

    entry = f"'key', {of(key, found.key)}, 'group', {of(group.group_titles, found.group)}"
    if found.made is not None:
        values, theirs = (of(group.compared_titles, part) for part in (found.values, found.winner_values))
        made = f"json_object('created', json('true'), 'values', {theirs})"
        kept = f"json_object('key', {of(key, found.winner)}, 'values', {theirs})"
        entry += f", 'values', {values}, 'winner', CASE WHEN {names[found.made]} THEN {made} ELSE {kept} END"
    return f"SELECT json_object({entry}) FROM {source}"


def _object(titles: Sequence[str], values: Sequence[str]) -> str:
    """In parts where SQLite's function does not take them all: a part begins and ends with one brace of its own."""
    pairs = [f"{text(title)}, {_value(each)}" for title, each in zip(titles, values, strict=True)]
    parts = [f"json_object({', '.join(part)})" for part in _parts(pairs)] or ["json_object()"]
    if len(parts) == 1:
        return parts[0]
    bare = " || ',' || ".join(f"rtrim(ltrim({part}, '{{'), '}}')" for part in parts)
    return f"json('{{' || {bare} || '}}')"


def _parts(pairs: Sequence[str]) -> Iterator[Sequence[str]]:
    return (pairs[at : at + MOST_PAIRS] for at in range(0, len(pairs), MOST_PAIRS))


def _value(name: str) -> str:
    """As JSON has it; what it has no word for is written as SQL. SQLite itself would cut a REAL to 15 digits.

    Numbers come before texts and BLOBs behind them: to compare is quicker than to ask for the type.
    """
    zero = f"json(CASE WHEN hotmig_signbit({name}) THEN '-0.0' ELSE '0.0' END)"  # printf has no sign for it
    other = f"CASE WHEN abs({name}) > {LARGEST_REAL} THEN CAST({name} AS TEXT) ELSE json(printf('%!.17g', {name})) END"
    real = f"CASE WHEN {name} = 0 THEN {zero} ELSE {other} END"
    number = f"CASE WHEN typeof({name}) = 'real' THEN {real} ELSE {name} END"
    blob = f"'x''' || lower(hex({name})) || ''''"
    return f"CASE WHEN {name} >= x'' THEN {blob} WHEN {name} < '' THEN {number} ELSE {name} END"
