"""The programs and scripts of the runbook, as they stand on its pages, run on a real database with a live writer."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenarios.harness import wait_until
from tests.scenarios.pages import README, RUNBOOK, Shell, Shop, the_block

APPLICATION, DEPLOY = RUNBOOK / "application.md", RUNBOOK / "deploy.md"
WAY_BACK, BACKUPS = RUNBOOK / "way-back.md", RUNBOOK / "backups.md"
EARLIER = "### Forward, to the same schema as before"
BACK = "### Back to the old file: gives up the writes since the cutover"
CODE = re.compile("`([^`]+)`")
PHASES = ("none", "recording", "drained", "lapsed", "half-cut", "retired")
SKIPPED = ["Nothing to do: the database already has this schema.", "Migrate skipped.", "Drain skipped."]


@dataclass(frozen=True)
class Machine:
    """Code in /opt/shop/releases, data in /var/lib/shop, as on the pages."""

    shell: Shell

    @classmethod
    def make(cls, directory: Path) -> Machine:
        """With the README's database, not yet adopted, and a first release without a schema module."""
        machine = cls(Shell.make(directory, "/opt/shop", "/var/lib/shop"))
        database = the_block(README, "## Quick start", "sh").replace("/tmp/shop", "/var/lib/shop")
        machine.shell.type(database)
        script = the_block(DEPLOY, "## A script", "sh")
        machine.shell.executable(machine.shell.tools / "deploy", script)
        machine.release(1)
        return machine

    @classmethod
    def adopted(cls, directory: Path) -> Machine:
        """The first release has the database that was there."""
        machine = cls.make(directory)
        machine.shell.type(the_block(DEPLOY, "## Code and data in different places", "sh"))
        return machine

    @property
    def code(self) -> Path:
        return self.shell.moved["/opt/shop"]

    @property
    def data(self) -> Path:
        return self.shell.moved["/var/lib/shop"]

    def schema(self, version: int) -> Path:
        return self.code / "releases" / str(version) / "schema.py"

    def start(self, version: int) -> Path:
        return self.code / "releases" / str(version) / "start"

    def release(self, version: int, schema: str | None = None) -> None:
        """A release directory with the program and the start script of the runbook."""
        directory = self.schema(version).parent
        directory.mkdir(parents=True)
        (directory / "shop.py").write_text(the_block(APPLICATION, "## A whole program", "python"))
        start = the_block(APPLICATION, "## A start script, for any language", "sh")
        # The page's minute is enough for a person, not for a machine with a hundred other tests.
        self.shell.executable(directory / "start", start.replace("--wait 60", "--wait 600"))
        if schema is not None:
            self.schema(version).write_text(schema)

    def where(self, version: int) -> str:
        return f"--dir /var/lib/shop --schema /opt/shop/releases/{version}/schema.py"

    def file(self, version: int) -> str:
        """The name of the database of that release, which must be in service."""
        return Path(self.shell.type(f"hotmig path {self.where(version)}").out.strip()).name

    def orders(self, file: str, note: str = "order-%") -> list[tuple[int, str, int]]:
        """Number, note and cents of the orders with such a note, in either schema."""
        db = sqlite3.connect(self.data / file)
        columns = [column[1] for column in db.execute("PRAGMA table_info(orders)")]
        cents = "total_cents" if "total_cents" in columns else "CAST(round(total * 100) AS INTEGER)"
        found = db.execute(f"SELECT id, note, {cents} FROM orders WHERE note LIKE ? ORDER BY id", (note,)).fetchall()
        db.close()
        return found


def new_schema() -> str:
    """The module that the quick start comes to."""
    return the_block(README, "## Quick start", "python")


def with_a_phone(schema: str) -> str:
    """An earlier module with one more column."""
    changed = schema.replace(
        "    nickname: str | None = None\n", "    nickname: str | None = None\n    phone: str = ''\n"
    )
    assert changed != schema
    return changed


def without_a_phone(schema: str) -> str:
    """The earlier module again, which gives that column up."""
    return schema.replace("auto, table", "auto, dropped, table") + '\n\ndropped("client", "phone")\n'


def check_orders(machine: Machine, shop: Shop, files: list[str]) -> None:
    """Every order that was sent was accepted, by these files one after the other, and is in the last one, once."""
    accepted = shop.close()
    assert [order.note for order in accepted] == shop.sent
    assert list(dict.fromkeys(order.file for order in accepted)) == files
    expected = [(order.number, order.note, cents) for cents, order in enumerate(accepted, 100)]
    assert machine.orders(files[-1]) == expected


# --- application.md


@pytest.mark.parametrize(
    ("mode", "handover"),
    [
        ("wal", "hotmig drain --max-pause 60 {0} && hotmig cutover {0}"),
        ("delete", "hotmig drain --cutover --max-pause 60 {0}"),
    ],
)
def test_the_program_loses_no_order_and_goes_on_in_the_new_file(mode: str, handover: str, tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    machine.shell.type(f"sqlite3 /var/lib/shop/app.db 'PRAGMA journal_mode = {mode}'")
    old, where = machine.file(1), machine.where(2)
    with Shop(machine.shell, machine.start(1)) as shop:
        shop.wait_for(10, old)
        machine.shell.type(f"hotmig migrate {where}")
        shop.wait_for(10, old)
        machine.shell.type(handover.format(where))
        new = machine.file(2)
        shop.wait_for(10, new)
        check_orders(machine, shop, [old, new])


def test_the_program_waits_while_writes_are_paused(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    old, where = machine.file(1), machine.where(2)
    with Shop(machine.shell, machine.start(1)) as shop:
        shop.wait_for(10, old)
        machine.shell.type(f"hotmig migrate {where} && hotmig drain --hold 600 {where}")
        waiting = machine.orders(old)
        wait_until(lambda: len(shop.sent) > len(waiting) + 20, "orders that have to wait")
        assert machine.orders(old) == waiting
        machine.shell.type("hotmig reset --dir /var/lib/shop")
        shop.wait_for(10, old)
        check_orders(machine, shop, [old])


def answer(machine: Machine, version: int) -> str:
    """What ``hotmig path`` says to a version, in the words of the page."""
    typed = machine.shell.type(f"hotmig path {machine.where(version)}", code=None)
    if typed.code == 0:
        return "the new file" if "customer" in tables(Path(machine.shell.here(typed.out.strip()))) else "the old file"
    reasons = {"not in service": "replaced", "being built": "it is being built", "there is no": "there is none"}
    return f"exit {typed.code}: {next(told for reason, told in reasons.items() if reason in typed.err)}"


def tables(file: Path) -> set[str]:
    db = sqlite3.connect(file)
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
    db.close()
    return names


def table_of_answers() -> dict[str, list[str]]:
    """By phase, the page's answers to the old and to the new version."""
    _, text = APPLICATION.read_text(encoding="utf-8").split("## Which file to open\n")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {
        phase: [cell.removesuffix(" yet") for cell in cells] for named, *cells in rows for phase in CODE.findall(named)
    }


def test_path_answers_each_version_as_the_page_says(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    page, where, old = table_of_answers(), machine.where(2), machine.data / machine.file(1)

    def check(phase: str) -> None:
        assert [answer(machine, version) for version in (1, 2)] == page.pop(phase), phase
        if phase in PHASES:
            status = machine.shell.type(f"hotmig status {where} --json").out
            assert json.loads(status)["phase"] == phase

    check("none")
    machine.shell.type(f"hotmig migrate {where}")
    check("recording")
    machine.shell.type(f"hotmig drain --hold 600 {where}")
    check("drained")
    change(old, "UPDATE _migration_marker SET fence_until = fence_from")  # a minute later
    check("lapsed")
    machine.shell.type(f"hotmig drain --hold 600 {where}")
    change(old, "UPDATE _migration_marker SET status = 'retired'")  # a cutover that dies between its commits
    check("half-cut")
    machine.shell.type(f"hotmig cutover {where}")
    check("retired")
    machine.shell.type("hotmig cleanup-old --delete --dir /var/lib/shop")
    check("cleanup-old --delete")
    assert set(page) == {"copying", "draining"}


def change(file: Path, statement: str) -> None:
    db = sqlite3.connect(file)
    with db:
        db.execute(statement)
    db.close()


# --- deploy.md


def test_the_deploy_script_changes_the_schema_under_a_writer_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    machine.release(3, new_schema() + "# nothing but a comment\n")
    check_nothing_to_do(machine, 1)
    old = machine.file(1)
    with Shop(machine.shell, machine.start(1)) as shop, Shop(machine.shell, machine.start(2), "next") as waiting:
        shop.wait_for(10, old)
        machine.shell.type("deploy 2")
        new = machine.file(2)
        waiting.wait_for(10, new)  # it was started before there was anything to open
        shop.wait_for(10, new)
        noted = [order.note for order in waiting.close()]
        check_orders(machine, shop, [old, new])
    assert [note for _, note, _ in machine.orders(new, "next-%")] == noted
    assert (machine.code / "current").resolve() == machine.start(2).parent
    refused = machine.shell.type("/opt/shop/releases/1/start", code=3)
    assert f"{old} was replaced by {new}" in refused.err

    check_nothing_to_do(machine, 3)
    assert machine.file(3) == new
    assert machine.shell.calls.count("systemctl restart shop") == 3


def check_nothing_to_do(machine: Machine, version: int) -> None:
    """The deploy of a release that changes no schema says so, three times."""
    said = machine.shell.type(f"deploy {version}").out
    assert [line for line in said.splitlines() if line in SKIPPED] == SKIPPED


def test_the_deploy_script_stops_before_anything_when_the_plan_is_blocked(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema().replace('dropped("client", "nickname")', ""))
    before = sorted(path.name for path in machine.data.iterdir())
    blocked = machine.shell.type("deploy 2", code=1)
    assert 'write: dropped("client", "nickname")' in blocked.out
    assert sorted(path.name for path in machine.data.iterdir()) == before
    assert not (machine.code / "current").exists()
    assert machine.shell.calls == []


def test_the_deploy_script_goes_on_where_an_earlier_run_died(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    machine.shell.type(f"hotmig migrate {machine.where(2)} && hotmig drain {machine.where(2)}")
    change(machine.data / machine.file(1), "UPDATE _migration_marker SET status = 'retired'")
    machine.shell.type("deploy 2", code=3)
    machine.shell.type(f"hotmig cutover {machine.where(2)}")
    machine.shell.type("deploy 2")
    assert machine.shell.calls == ["systemctl restart shop"]
    with Shop(machine.shell, machine.code / "current" / "start") as shop:
        shop.wait_for(5, machine.file(2))


@pytest.mark.parametrize(("code", "tries"), [(4, 2), (3, 1)])
def test_the_deploy_script_tries_again_what_may_be_tried_again(code: int, tries: int, tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    once = f'[ "$1" = drain ] && mkdir "{tmp_path}/drained-before" && exit {code}'
    hotmig = machine.shell.tools / "hotmig"
    machine.shell.executable(hotmig, hotmig.read_text().replace("exec ", f"{once}\nexec "))
    machine.shell.type("deploy 2", code=0 if tries == 2 else code)
    assert machine.shell.calls == (["sleep 60", "systemctl restart shop"] if tries == 2 else [])
    assert (machine.code / "current").exists() == (tries == 2)


def test_without_a_database_init_makes_the_first_one(tmp_path: Path) -> None:
    machine = Machine(Shell.make(tmp_path, "/opt/shop", "/var/lib/shop"))
    machine.shell.executable(machine.shell.tools / "deploy", the_block(DEPLOY, "## A script", "sh"))
    machine.data.mkdir()
    machine.release(1, new_schema())
    init = the_block(DEPLOY, "## Code and data in different places", "sh")
    machine.shell.type(init.replace(" /var/lib/shop/app.db", "", 1))
    machine.shell.type("deploy 1")
    change(machine.data / machine.file(1), "INSERT INTO customer(full_name, email) VALUES ('Ada', 'ada@example.org')")
    with Shop(machine.shell, machine.start(1)) as shop:
        shop.wait_for(5)
        check_orders(machine, shop, [machine.file(1)])


# --- way-back.md


def test_a_deploy_back_to_an_earlier_schema_is_refused_until_its_file_is_moved(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    first = machine.schema(1).read_text()
    machine.release(2, with_a_phone(first))
    old = machine.file(1)
    machine.shell.type("deploy 2")
    new = machine.file(2)
    change(machine.data / new, "UPDATE client SET phone = '555' WHERE id = 1")
    machine.release(3, first)
    with Shop(machine.shell, machine.start(2)) as shop:
        shop.wait_for(5, new)
        refused = machine.shell.type("deploy 3", code=3)
        page = the_block(WAY_BACK, EARLIER, "console")
        assert with_hashes(page, old, new) == refused.err
        machine.shell.type(with_hashes(the_block(WAY_BACK, EARLIER, "sh"), old))
        blocked = machine.shell.type("deploy 3", code=1)
        assert 'write: dropped("client", "phone")' in blocked.out
        machine.schema(3).write_text(without_a_phone(first))
        machine.shell.type("deploy 3")
        assert machine.file(3) == old
        shop.wait_for(5, old)
        check_orders(machine, shop, [new, old])
    # And once more there and back: the files in the way are real ones now, not links.
    machine.release(4, with_a_phone(first))
    assert new in machine.shell.type("deploy 4", code=3).err
    machine.shell.type(with_hashes(the_block(WAY_BACK, EARLIER, "sh"), new))
    machine.shell.type("deploy 4")
    assert machine.file(4) == new
    assert [note for _, note, _ in machine.orders(new)] == shop.sent


def with_hashes(text: str, *files: str) -> str:
    """The text of the page with these files in the place of those that it names, in their order."""
    shown = dict.fromkeys(re.findall(r"app-[0-9a-f]{16}\.sqlite", text))
    for name, file in zip(shown, files, strict=True):
        text = text.replace(name, file)
    return text


def test_cleanup_old_makes_room_for_the_earlier_schema(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    first, old = machine.schema(1).read_text(), machine.file(1)
    machine.release(2, with_a_phone(first))
    machine.shell.type("deploy 2")
    machine.shell.type("hotmig cleanup-old --delete --dir /var/lib/shop")
    machine.release(3, without_a_phone(first))
    machine.shell.type("deploy 3")
    assert machine.file(3) == old


def test_the_module_of_the_page_carries_the_writes_back(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    machine.release(3, the_block(WAY_BACK, "## After cutover", "python"))
    machine.shell.type("deploy 2")
    new = machine.file(2)
    with Shop(machine.shell, machine.start(2)) as shop:
        shop.wait_for(5, new)
        machine.shell.type("deploy 3")
        back = machine.file(3)
        shop.wait_for(5, back)
        check_orders(machine, shop, [new, back])
    names = machine.shell.type(f"sqlite3 /var/lib/shop/{back} 'SELECT first_name, last_name, email FROM client'").out
    assert names == "Ada|Lovelace|ada@example.org\nGrace|Hopper|grace@example.org\n"


def test_back_to_the_old_file(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    old = machine.file(1)
    machine.shell.type("deploy 2")
    new, kept = machine.file(2), tmp_path / "kept"
    machine.shell.type(the_block(WAY_BACK, BACK, "sh"), at=machine.data)
    kept.mkdir()
    for path in machine.data.glob(f"{new}*"):
        shutil.move(path, kept)
    status = machine.shell.type(f"hotmig status {machine.where(1)}").out
    assert status.startswith("app: ready")
    assert f"{old}  (in service" in status
    assert machine.shell.type(f"hotmig plan {machine.where(1)}").out.rstrip().endswith(SKIPPED[0])
    with Shop(machine.shell, machine.start(1)) as shop:
        shop.wait_for(5, old)
        check_orders(machine, shop, [old])


@pytest.mark.parametrize(("cleaned", "by_hand"), [(False, True), (True, False)], ids=["by hand", "by cleanup-old"])
def test_a_retired_file_without_its_successor_is_freed(cleaned: bool, by_hand: bool, tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    old = machine.file(1)
    machine.shell.type("deploy 2")
    new = machine.file(2)
    if cleaned:
        machine.shell.type("hotmig cleanup-old --dir /var/lib/shop")
    for path in machine.data.glob(f"{new}*"):
        path.unlink()
    free = the_block(WAY_BACK, "### A retired file without its successor", "sh")
    machine.shell.type(free if by_hand else "hotmig cleanup-old --unfence", at=machine.data)
    assert {name for name in tables(machine.data / old) if name.startswith("_migration")} == set()
    with Shop(machine.shell, machine.start(1)) as shop:
        shop.wait_for(5, old)
        check_orders(machine, shop, [old])


# --- backups.md


LITESTREAM = """
CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);
INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1;
"""  # what Litestream runs on each database that it replicates


def test_tables_of_litestream_that_the_module_declares_are_part_of_every_file(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path)
    machine.shell.type(f"sqlite3 /var/lib/shop/app.db '{LITESTREAM}'")
    machine.shell.type(the_block(DEPLOY, "## Code and data in different places", "sh"))
    declared = the_block(BACKUPS, "## Litestream", "python").split("auto, table\n")[1]
    assert declared in machine.schema(1).read_text()
    machine.release(2, new_schema() + declared)
    machine.shell.type("deploy 2")
    machine.shell.type(f"sqlite3 /var/lib/shop/{machine.file(2)} '{LITESTREAM}'")
    machine.release(3, machine.schema(2).read_text())
    check_nothing_to_do(machine, 3)


def test_tables_of_litestream_that_the_module_does_not_declare_block_the_next_deploy(tmp_path: Path) -> None:
    machine = Machine.adopted(tmp_path)
    machine.release(2, new_schema())
    machine.shell.type("deploy 2")
    machine.shell.type(f"sqlite3 /var/lib/shop/{machine.file(2)} '{LITESTREAM}'")
    machine.release(3, machine.schema(2).read_text())
    unchanged = machine.shell.type("deploy 3", code=1)
    assert "the live database itself, whose schema was changed by hand" in unchanged.out
    machine.release(4, machine.schema(2).read_text().replace('"basic"', '"free"'))
    changed = machine.shell.type("deploy 4", code=1)
    assert 'write: dropped("_litestream_seq")' in changed.out
