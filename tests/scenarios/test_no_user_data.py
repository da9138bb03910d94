"""Nothing of the users' data is written down beside the databases: no value and no key, whatever is refused."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from hotmig.ledger.store import LEDGER_FILE
from tests.phases.processes import patched
from tests.phases.shops import Shop, open_shop

TEXT, WHOLE, REAL, BLOB = "zqx-", 8_135_792_460, 31_415_926.5, b"\x00zqb\xfe"
MOST = 60  # of each kind of value

PERSON = "code TEXT PRIMARY KEY NOT NULL, name TEXT, age, score REAL, photo BLOB, boss TEXT REFERENCES person(code)"
TICKET = "id INTEGER PRIMARY KEY, email TEXT, amount, owner TEXT REFERENCES person(code)"
BADGE = "number TEXT PRIMARY KEY NOT NULL, label TEXT"


def text(number: int) -> str:
    return f"{TEXT}{number}"


def rows() -> Iterator[str]:
    """Every column and every key holds what would be found again."""
    yield f"CREATE TABLE person({PERSON})"
    yield f"CREATE TABLE ticket({TICKET})"
    yield f"CREATE TABLE badge({BADGE})"
    for n in range(10):
        boss = "NULL" if n == 0 else f"'{text(n - 1)}'"
        blob = (BLOB + bytes([n])).hex()
        yield f"INSERT INTO person VALUES ('{text(n)}', '{text(n + 10)}', {WHOLE + n}, {REAL + n}, x'{blob}', {boss})"
        yield f"INSERT INTO ticket VALUES ({WHOLE + 10 + n}, '{text(n + 20)}', {WHOLE + 20 + n}, '{text(n)}')"
        yield f"INSERT INTO badge VALUES ('{TEXT}{WHOLE + 30 + n}', '{text(n + 30)}')"


MODULE = f"""from typing import Annotated

from hotmig.schema import Check, From, Key, Unique, Was, auto, table

database = "shop"

@table
class Person:
    id: Annotated[int, Key] = auto()
    code: Annotated[str, Unique]
    name: str | None = None
    age: int | None = None
    score: float | None = None
    photo: bytes | None = None
    boss: Annotated["Person | None", Was("boss")] = None

@table
class Ticket:
    id: Annotated[int, Key] = auto()
    email: Annotated[str | None, Unique] = None
    amount: Annotated[int | None, Check("amount > 0")] = None
    owner: Annotated[Person | None, Was("owner")] = None

@table
class Badge:
    id: Annotated[int, Key, From("CAST(substr(number, {len(TEXT) + 1}) AS INTEGER)")]
    number: str
    label: str | None = None
"""


def needles() -> Iterator[bytes]:
    """Any of the values as text, as hexadecimal digits, and as SQLite stores numbers."""
    for part in (TEXT.encode(), str(WHOLE)[:7].encode(), str(int(REAL))[:6].encode(), BLOB[1:4]):
        yield part
        yield part.hex().encode()
        yield part.hex().upper().encode()
    for n in range(MOST):
        yield (WHOLE + n).to_bytes(6, "big")
        yield struct.pack(">d", REAL + n)


def found_in(content: bytes) -> list[bytes]:
    return [needle for needle in needles() if needle in content]


@dataclass
class Watched:
    """A shop whose ledger keeps its -wal, because a reader has it open; every command's is looked through."""

    shop: Shop
    looked_at: int = 0

    def check(self) -> None:
        files = list(self.shop.own.iterdir())
        assert {f"{LEDGER_FILE}-wal", LEDGER_FILE, "lock"} <= {file.name for file in files}
        for file in files:
            self.looked_at += 1
            assert found_in(file.read_bytes()) == [], file
        for line in ("runs list", "runs list --json", "status", "status --json"):
            told = self.shop.run(line).stdout.replace(str(self.shop.directory), "")
            assert found_in(told.encode()) == [], line
        for each in self.shop.runs():
            assert found_in(str(each).encode()) == []

    def run(self, line: str, code: int = 0) -> Result:
        done = self.shop.run(line, code=code)
        self.check()
        return done

    def refused(self, line: str, code: int = 3) -> str:
        """A refusal that names rows to the operator, and to nobody else."""
        told = self.run(line, code=code).stderr
        assert found_in(told.encode()) != [], told
        last = self.shop.runs()[0]
        assert (last["state"], bool(last["error"])) == ("failed", True)
        return told


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    shop = open_shop(tmp_path / "shop", script=";\n".join(rows()) + ";", module=MODULE)
    shop.run("cleanup-old")  # nothing to clean, and it makes the ledger
    reader = sqlite3.connect(shop.own / LEDGER_FILE)
    reader.execute("SELECT count(*) FROM run").fetchone()
    yield Watched(shop)
    reader.close()


def test_the_values_would_be_found_in_a_database(watched: Watched) -> None:
    # The needles are good: each kind of value is seen in the database itself.
    content = watched.shop.old.read_bytes()
    assert TEXT.encode() in found_in(content)
    assert (WHOLE + 3).to_bytes(6, "big") in found_in(content)
    assert struct.pack(">d", REAL + 3) in found_in(content)
    assert BLOB[1:4] in found_in(content)


def test_a_whole_migration_writes_none_of_them_down(watched: Watched) -> None:
    for line in ("migrate", "drain", "cutover", "cleanup-old", "cleanup-old --delete"):
        if line == "drain":
            watched.shop.write(*live_writes())
        watched.run(line)
    assert watched.looked_at > 10


def live_writes() -> Iterator[str]:
    yield f"UPDATE person SET name = '{text(40)}' WHERE code = '{text(3)}'"
    yield f"INSERT INTO ticket VALUES ({WHOLE + 40}, '{text(41)}', {WHOLE + 41}, '{text(3)}')"
    yield f"DELETE FROM ticket WHERE id = {WHOLE + 12}"
    yield f"INSERT INTO badge VALUES ('{TEXT}{WHOLE + 42}', '{text(42)}')"


def test_neither_do_a_reset_and_a_migration_behind_one_fence(watched: Watched) -> None:
    watched.run("migrate")
    watched.shop.write(*live_writes())
    watched.run("reset")
    watched.run("migrate --offline")
    watched.run("cleanup-old --unfence")


def test_neither_does_a_rollback(watched: Watched) -> None:
    watched.run("migrate")
    watched.shop.write(*live_writes())
    watched.run(f"runs rollback {watched.shop.runs()[0]['run_id']} --yes")


# --- blocked plans: the finding names keys and values, the ledger does not

BLOCKING = {
    "two rows with one value": (f"UPDATE ticket SET email = '{text(20)}' WHERE id = {WHOLE + 15}", MODULE),
    "a value that a type would lose": (f"UPDATE person SET age = '0{WHOLE + 44}' WHERE code = '{text(4)}'", MODULE),
    "a row that breaks a CHECK": (f"UPDATE ticket SET amount = -{WHOLE} WHERE id = {WHOLE + 15}", MODULE),
    "an orphan": (f"UPDATE ticket SET owner = '{text(45)}' WHERE id = {WHOLE + 15}", MODULE),
    "a missing value": (
        f"UPDATE ticket SET email = NULL WHERE id = {WHOLE + 15}",
        MODULE.replace("email: Annotated[str | None, Unique] = None", "email: Annotated[str, Unique]"),
    ),
    "two rows with one key": (f"INSERT INTO badge VALUES ('abcd{WHOLE + 33}', '{text(46)}')", MODULE),
}


@pytest.mark.parametrize("reason", BLOCKING)
def test_a_blocked_migrate_names_rows_to_the_operator_alone(watched: Watched, reason: str) -> None:
    statement, module = BLOCKING[reason]
    watched.shop.write(statement)
    (watched.shop.directory / "schema.py").write_text(module)
    assert "migrate is blocked: " in watched.refused("migrate", code=1)
    last = watched.shop.runs()[0]
    assert (last["state"], last["error"], last["steps"]) == ("failed", "migrate is blocked", [])


# --- refusals of a replay, of the copy and of the proof

WRITTEN_SINCE = {
    "a second row with one value": (
        f"INSERT INTO ticket VALUES ({WHOLE + 50}, '{text(23)}', 5, '{text(3)}')",
        f"DELETE FROM ticket WHERE id = {WHOLE + 50}",
        "UNIQUE constraint failed",
    ),
    "a row that breaks a CHECK": (
        f"INSERT INTO ticket VALUES ({WHOLE + 50}, '{text(50)}', -{WHOLE}, '{text(3)}')",
        f"DELETE FROM ticket WHERE id = {WHOLE + 50}",
        "CHECK constraint failed",
    ),
    "a value that a type would lose": (
        f"UPDATE person SET age = '0{WHOLE + 51}' WHERE code = '{text(4)}'",  # 0 is lost
        f"UPDATE person SET age = {WHOLE} WHERE code = '{text(4)}'",
        "its type changes",
    ),
    "an orphan": (
        f"UPDATE ticket SET owner = '{text(52)}' WHERE id = {WHOLE + 15}",
        f"UPDATE ticket SET owner = NULL WHERE id = {WHOLE + 15}",
        "refers to no row",
    ),
    "a key that is taken": (
        f"INSERT INTO badge VALUES ('abcd{WHOLE + 33}', '{text(53)}')",
        f"DELETE FROM badge WHERE number = 'abcd{WHOLE + 33}'",
        "of the new schema does not take a row",
    ),
}


@pytest.mark.parametrize("line", ["drain", "drain --cutover"])
@pytest.mark.parametrize("what", WRITTEN_SINCE)
def test_a_refused_replay_names_rows_to_the_operator_alone(watched: Watched, what: str, line: str) -> None:
    wrong, mend, told = WRITTEN_SINCE[what]
    watched.run("migrate")
    watched.shop.write(wrong)
    assert told in watched.refused(line)
    watched.shop.write(mend)
    watched.run("drain --cutover")


TAMPERED = {
    "another value": f"UPDATE ticket SET email = '{text(54)}' WHERE id = {WHOLE + 15}",
    "a row too few": f"DELETE FROM ticket WHERE id = {WHOLE + 15}",
    "a row too many": f"INSERT INTO ticket VALUES ({WHOLE + 55}, '{text(55)}', 7, NULL)",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_failed_proof_names_rows_to_the_operator_alone(watched: Watched, what: str) -> None:
    watched.run("migrate")
    watched.shop.write(TAMPERED[what], file=watched.shop.new)
    assert "the proof failed" in watched.refused("drain")


def test_a_row_that_only_the_copy_meets_is_named_to_the_operator_alone(watched: Watched) -> None:
    """Written between the plan and the copy: the recording has begun, and the row is found in the snapshot."""
    statement = f"INSERT INTO ticket VALUES ({WHOLE + 56}, '{text(23)}', 5, NULL)"
    late = (
        "import sqlite3, hotmig.phases.migrate as m\nrecord = m._record\n"
        "def late(*rest, **named):\n"
        f"    db = sqlite3.connect({str(watched.shop.old)!r})\n    db.execute({statement!r})\n    db.commit()\n"
        "    db.close()\n    return record(*rest, **named)\n"
        "m._record = late"
    )
    process = patched(watched.shop, late, "migrate")
    _, told = process.communicate()
    assert process.returncode == 3, told
    assert "UNIQUE constraint failed" in told
    assert found_in(told.encode()) != []
    watched.check()
    assert watched.shop.runs()[0]["steps"][-1]["status"] == "failed"


def test_a_leak_would_be_seen(watched: Watched, tmp_path: Path) -> None:
    watched.run("migrate")
    copied = tmp_path / "copied"
    shutil.copytree(watched.shop.own, copied)
    db = sqlite3.connect(copied / LEDGER_FILE, isolation_level=None)
    leaks: dict[str, Callable[[], object]] = {
        "text": lambda: text(7),
        "integer": lambda: WHOLE + 7,
        "real": lambda: REAL + 7,
        "blob": lambda: BLOB,
    }
    for kind, value in leaks.items():
        db.execute("UPDATE run SET error = ?", (value(),))
        content = b"".join(file.read_bytes() for file in copied.iterdir())
        assert found_in(content) != [], kind
        db.execute("UPDATE run SET error = NULL")
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
