"""Operations at random: commands, the application's writes, deaths, clocks and mistakes, and what must hold after each.

The promises are those of the design's first section; they are judged by what the files say themselves and by a shop in
plain Python that holds every write that was accepted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from click.testing import CliRunner
from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from hotmig.cli.app import cli
from hotmig.schema.load import load
from tests.model import operations_drawn as drawn
from tests.model import operations_files as files
from tests.model import operations_mistakes as mistakes
from tests.model.operations_application import Client
from tests.model.operations_child import Commands, Ended, Moment
from tests.model.operations_drawn import Action
from tests.model.operations_files import File, Unreadable
from tests.model.operations_shop import (
    AGE,
    BROKEN,
    CHAIN,
    DATABASE,
    NEW,
    OLD,
    Contents,
    LogEvent,
    PutItem,
    PutNote,
    PutTag,
    Write,
    modules,
    old_ddl,
    read,
)

PHASES = {"none", "ready", "copying", "recording", "draining", "lapsed", "drained", "half-cut", "retired"}
MISSING = "missing"  # instead of a schema module
HOLD = 60.0
SLACK = 2.0  # seconds that pass between a command and the look at it
MOST_COMMANDS = 12  # until status has led a migration to its end
OUR_PATIENCE, NO_PATIENCE = "3", "0.05"  # seconds that a command waits for a lock; the latter where we hold it
# Refusals that need a cause: what the application alone does leads to none of them.
FOR_HARM_ALONE = (
    "the proof failed", "was changed while it was recorded", "does not take a row", "were deleted", "a backup",
    "is broken", "somebody wrote", "by another migration", "is gone from the old database",
)  # fmt: skip
HANDING_OVER = ("migrate", "drain", "cutover")
FAILED = (1, 2, 3, 4, 130, 143)
SIGNALLED = {"TERM": 143, "INT": 130}
FIRST: tuple[Write, ...] = (
    PutItem("", 1, "a", "x", 1), PutItem("", 2, "b", None, 2), PutItem("", 3, "c", "y", 3),
    PutTag("", "a", 1), PutTag("", "b", None), PutNote("", 1, "a", "x"), PutNote("", 2, "b", None),
    LogEvent("in"), LogEvent("out"),
)  # fmt: skip
JUNK = b"no database " * 1000


@cache
def release_names(keyless: bool) -> dict[str, str]:
    """The file name of each release's database."""
    names = {}
    with TemporaryDirectory() as folder:
        for release in CHAIN:
            file = Path(folder) / f"{release}.py"
            file.write_text(modules(keyless)[release])
            names[release] = f"{DATABASE}-{load(file).hash}.sqlite"
    return names


@dataclass(frozen=True)
class Backup:
    """A copy of the database that was in service, and what was in the shop then."""

    path: Path
    copy: Path
    shop: Contents


@dataclass(frozen=True)
class Held:
    """A command that is held up in the middle."""

    words: tuple[str, ...]
    pid: int


class Operations(RuleBasedStateMachine):
    """One directory, from its first release on. ``commands`` is the server that forks for each command."""

    def __init__(self, journal_mode: str, commands: Commands) -> None:
        super().__init__()
        self.journal_mode, self.commands, self.keyless = journal_mode, commands, False
        self.folder = TemporaryDirectory()
        self.directory = Path(self.folder.name) / "shop"
        self.directory.mkdir()
        self.shop, self.module = Contents(), OLD
        self.clients: list[Client | None] = [None, None]
        self.held: Held | None = None
        self.backup: Backup | None = None
        self.unfenced: set[Path] = set()  # archives that accept writes because somebody wanted it so
        self.set_back = 0.0  # seconds by which the clock went back
        self.longest = HOLD
        self.failed = False
        self.harmed = False  # somebody has done what no application does

    @contextmanager
    def doing(self) -> Iterator[None]:
        """A failure in one step must not be hidden by another one in the teardown."""
        self.failed = True
        yield
        self.failed = False

    @initialize(
        adopted=st.booleans(),
        moment=st.none() | drawn.deaths,
        first=st.lists(drawn.writes, max_size=4),
        module=drawn.modules,
        keyless=st.sampled_from([False, False, True]),
    )
    def begin(self, adopted: bool, moment: Moment | None, first: list[Write], module: str, keyless: bool) -> None:
        """The application's first database, under its own name and adopted, or under one by the rule."""
        with self.doing():
            self.keyless = keyless
            path = self.directory / (f"{DATABASE}.db" if adopted else self.first_name)
            db = sqlite3.connect(path, isolation_level=None)
            db.execute(f"PRAGMA journal_mode = {self.journal_mode}")
            db.executescript(old_ddl(keyless))
            db.close()
            client = Client(path, OLD)
            client.write(self.shop, (*FIRST, *first))
            self.shop = client.pending or self.shop
            assert client.commit() == "accepted"
            client.close()
            if adopted:
                self.hotmig(f"init {path}", moment=moment)
                assert self.hotmig(f"init {path}").code == 0
            self.put_module(module)

    @rule(action=drawn.actions)
    def step(self, action: Action) -> None:
        """Something happens."""
        with self.doing():
            self.act(action)

    def act(self, action: Action) -> None:
        """One thing happens; then everything that was promised is looked at."""
        name, arguments = action
        with suppress(Unreadable):
            getattr(self, name)(**arguments)
        self.look()
        if name not in drawn.APPLICATION:
            self.status()
            self.the_ledger_tells_the_truth()

    def several(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            self.act(action)

    def deploy(self, commands: tuple[tuple[str, Moment | None, tuple[Action, ...]], ...], stubborn: bool) -> None:
        """The commands in their order, with what happens behind each. ``stubborn``: also behind one that failed."""
        if self.is_over(self.status()):
            self.next_release()
        for command, moment, interlude in commands:
            ended = self.run(command, moment, 0)
            self.several(interlude)
            if ended is not None and ended.code != 0 and not stubborn:
                break

    def teardown(self) -> None:
        """Whatever was done before: status leads on to the end."""
        try:
            if not self.failed:
                self.finish()
        finally:
            self.close_clients()
            if self.held is not None:
                self.commands.resume(self.held.pid, by="KILL")
            self.folder.cleanup()

    # --- commands

    def hotmig(self, command: str, *, moment: Moment | None = None) -> Ended:
        """Runs one command, and judges how it came out."""
        fenced = self.is_fenced()
        ended = self.commands.run(*self.words(command), moment=moment)
        self.judge(command, ended, moment.act if moment else None)
        if not fenced and not self.held and ended.code in FAILED and "may still be refused" not in ended.err:
            assert not self.is_fenced(), f"hotmig {command} failed, and left its fence up"
        return ended

    def is_fenced(self) -> bool:
        return any(file.marker == "draining" for file in self.readable())

    def words(self, command: str) -> tuple[str, ...]:
        ours = self.held or any(client and client.db.in_transaction for client in self.clients)
        patience = NO_PATIENCE if ours else OUR_PATIENCE
        return (*command.split(), "-d", str(self.directory), "--busy-timeout", patience)

    def judge(self, command: str, ended: Ended, act: str | None) -> None:
        """A command may be refused or give up, in one line; it may not break."""
        told = f"$ hotmig {command}: {'held up' if ended.held else ended.code}\n{ended.out}{ended.err}"
        if currently_in_test_context():
            note(told)
        if ended.held:
            self.held = Held((*command.split(),), ended.pid)
            return
        self.remember(command)
        assert "Traceback" not in ended.err, told
        if ended.code == -9 and act == "KILL":
            return
        assert ended.code in {0, 1, 2, 3, 4} | {SIGNALLED.get(act or "", 0)}, told
        errors = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
        findings = command == "plan" and "Can run migrate now: no" in ended.out
        assert len(errors) == (0 if ended.code == 0 or findings else 1), told
        assert not any("unexpected" in error for error in errors), told
        assert self.harmed or not any(reason in error for error in errors for reason in FOR_HARM_ALONE), told

    def remember(self, command: str) -> None:
        """What a command may have made legitimate."""
        if "--hold" in command:
            self.longest = max(self.longest, float(command.split()[-1]))
        if "--unfence" in command:
            at = self.service().path
            self.unfenced |= {file.path for file in self.readable() if file.path != at and file.status != "migrating"}

    def json(self, command: str) -> Any:
        """What a command that only reads tells, in this very process: that is quicker."""
        done = CliRunner().invoke(cli, [*self.words(command), "--json"])
        assert done.exit_code == 0, f"{command}: {done.output}"
        return json.loads(done.stdout)

    def status(self) -> dict[str, Any]:
        """Status never fails, and names a phase."""
        found: dict[str, Any] = self.json("status")
        assert found["phase"] in PHASES
        return found

    def run(self, command: str, moment: Moment | None, nth: int) -> Ended | None:
        """Whatever comes to an operator's mind."""
        if moment and moment.act == "STOP" and self.held:
            return None
        return self.hotmig(self.spelled(command, nth), moment=moment)

    def spelled(self, command: str, nth: int = 0) -> str:
        if command != drawn.ROLLBACK:
            return command
        runs = self.json("runs list")
        return f"{command} {runs[nth % len(runs)]['run_id'] if runs else 'none'} --yes"

    def follow(self, moment: Moment | None) -> None:
        """Does what status says is next; behind the last one comes the next release."""
        found = self.status()
        following = found["next"]
        if self.is_over(found):
            self.next_release()
        elif following is not None:
            self.run(following.removeprefix("hotmig ").replace("plan", "migrate"), moment, 0)

    def go_on(self, by: Literal["CONT", "KILL", "TERM", "INT"]) -> None:
        """What was held up goes on, or dies, or hears a signal."""
        if self.held is None:
            self.follow(None)
            return
        held, self.held = self.held, None
        ended = self.commands.resume(held.pid, by=by)
        self.judge(" ".join(held.words), ended, by)

    def two_at_once(self, one: str, other: str) -> None:
        spelled = [self.spelled(command) for command in (one, other)]
        together = self.commands.together(*((self.words(command), None) for command in spelled))
        for command, ended in zip(spelled, together, strict=True):
            self.judge(command, ended, None)

    def run_beside(self, oddity: str, command: str) -> None:
        """A command meets something odd beside the databases, which is put right again behind it."""
        if self.held is not None:
            return
        folder, module = self.directory / ".hotmig", self.module
        folder.mkdir(exist_ok=True)
        if oddity == "read-only":
            (folder / "read-only").touch()
        elif "module" in oddity:
            self.put_module(BROKEN if oddity == "broken module" else MISSING)
        else:
            self.forget_ledger()
        if oddity == "damaged ledger":
            (folder / "ledger.sqlite").write_bytes(JUNK)
        self.hotmig(command if command != drawn.ROLLBACK else "runs prune --older-than 1")
        (folder / "read-only").unlink(missing_ok=True)
        self.put_module(module)
        if oddity == "damaged ledger":
            self.forget_ledger()

    def forget_ledger(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self.directory / ".hotmig" / f"ledger.sqlite{suffix}").unlink(missing_ok=True)

    # --- what there is

    def readable(self) -> list[File]:
        """Those of the databases that can be looked at."""
        found = []
        for path in files.paths(self.directory):
            with suppress(Unreadable):
                found.append(files.look(path))
        return found

    def service(self) -> File:
        """The database in service. Raises Unreadable."""
        return files.in_service([files.look(path) for path in files.paths(self.directory)], self.first_name)

    @property
    def first_name(self) -> str:
        return release_names(self.keyless)[OLD]

    def release(self, path: Path) -> str:
        return next(release for release, name in release_names(self.keyless).items() if name == path.name)

    def offered(self) -> list[Path]:
        """What an application may take for its database: not what is being built, nor what somebody has let go."""
        found = [file.path for file in self.readable() if file.status in (None, "ready") and file.path.stat().st_size]
        return [path for path in found if path not in self.unfenced]

    # --- the application

    def write(self, which: int, newest: bool, transaction: tuple[Write, ...], hold: bool) -> None:
        """The application writes to the database in service, or to the oldest one that it knows."""
        client = self.client(which, newest)
        shop = self.shop if client.path == self.service().path else None
        if client.write(shop, transaction) == "open" and not hold:
            self.commit(client)

    def client(self, which: int, newest: bool) -> Client:
        """The connection; one that has nothing open moves to where the application believes its database to be."""
        client = self.clients[which]
        if client is not None and client.db.in_transaction:
            return client
        path = self.service().path if newest or not self.offered() else self.offered()[0]
        if client is None or client.path != path:
            if client is not None:
                client.close()
            self.clients[which] = client = Client(path, self.release(path))
        return client

    def commit(self, client: Client) -> None:
        """What is accepted must be in the database that is in service, from now on."""
        at, pending, changes, client.pending = self.service().path, client.pending, client.changes, None
        if client.commit() == "accepted":
            assert client.path == at or not changes, f"{client.path.name} accepted a write, not {at.name}"
            self.shop = pending or self.shop

    def user_version(self, number: int) -> None:
        """A write that no trigger sees, and no fence keeps out: none that is right behind a cutover."""
        at = self.service()
        if not at.retired:
            with files.opened(at.path, "rw") as db:
                db.execute(f"PRAGMA user_version = {number}")
            self.shop.user_version = number

    def settle(self, which: int, how: str) -> None:
        client = self.clients[which]
        if client is None:
            return
        if how == "commit":
            self.commit(client)
        elif how == "read":
            client.read()
        else:
            client.rollback()
        if how == "close":
            self.clients[which] = None
            client.close()

    def close_clients(self) -> None:
        for number, client in enumerate(self.clients):
            if client is not None:
                client.close()
                self.clients[number] = None

    # --- the clock, and mistakes

    def clock(self, seconds: float) -> None:
        """The fence goes by the clock alone: when that jumps on, the fence's times lie further back."""
        if not self.is_fenced():
            self.follow(None)
        self.set_clock(seconds)

    def set_clock(self, seconds: float) -> None:
        days = seconds / files.SECONDS_A_DAY
        for file in [file for file in self.readable() if file.marker == "draining"]:
            with files.opened(file.path, "rw") as db:
                db.execute("BEGIN IMMEDIATE")
                ((since,),) = db.execute("SELECT fence_from FROM _migration_marker").fetchall()
                if since is not None:
                    self._remember_fence(file, since, since - days)
                    db.execute("UPDATE _migration_marker SET fence_from = ?", (since - days,))
                db.execute("UPDATE _migration_marker SET fence_until = fence_until - ?", (days,))
                db.execute("COMMIT")
            self.set_back += max(0.0, -seconds)

    def _remember_fence(self, old: File, before: float, after: float) -> None:
        """The new database knows behind which fence it was drained: setting a clock does not change that."""
        for file in self.readable():
            if file.path.name == old.target and file.status == "migrating":
                with files.opened(file.path, "rw") as db:
                    db.execute("UPDATE _migration_progress SET fence_from = ? WHERE fence_from = ?", (after, before))

    def edit(self, module: str) -> None:
        self.put_module(module)

    def next_release(self) -> None:
        age = AGE[self.release(self.service().path)]
        self.put_module(CHAIN[min(age + 1, len(CHAIN) - 1)])

    def put_module(self, module: str) -> None:
        self.module = module
        file = self.directory / "schema.py"
        if module == MISSING:
            file.unlink(missing_ok=True)
        else:
            file.write_text(modules(self.keyless)[module])

    def hurt_old(self, mistake: str, nth: int, service: bool) -> None:
        """By hand, in the database that has a marker, or in the one in service."""
        at = self.service()
        file = next((file for file in self.readable() if file.marker is not None and not service), at)
        with files.opened(file.path, "rw") as db:
            if mistake != "vacuum":
                db.execute("BEGIN IMMEDIATE")
            for sql in mistakes.statements(db, mistake, nth):
                db.execute(sql)
            if db.in_transaction:
                db.execute("COMMIT")
        self.harmed = True
        if file.path != at.path and mistake in mistakes.UNFENCING:
            self.unfenced.add(file.path)

    def hurt_new(self, mistake: str) -> None:
        """Somebody writes to the file that is being built, or it is gone, or another file has its place."""
        path = next((file.path for file in self.readable() if file.status == "migrating"), None)
        self.harmed = self.harmed or path is not None
        if path is None:
            self.follow(None)
        elif mistake in mistakes.NEW_MISTAKES:
            with files.opened(path, "rw") as db, suppress(sqlite3.IntegrityError):
                db.execute(mistakes.NEW_MISTAKES[mistake])
        # Half a cutover leads to it and nowhere else: a file that is gone may have been in service.
        elif self.held is None and (mistake == mistakes.EARLIER or not self.service().retired):
            earlier = Path(self.folder.name) / path.name
            for suffix in ("", "-shm", "-journal", *(["-wal"] if mistake != "delete all but the log" else [])):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            if mistake in ("garbage", "empty"):
                path.write_bytes(JUNK if mistake == "garbage" else b"")
            elif mistake == mistakes.EARLIER and earlier.exists():
                shutil.copyfile(earlier, path)

    def back_up(self) -> None:
        """The database in service, and the one that is being built."""
        at = self.service().path
        for file in self.readable():
            if file.path == at or file.status == "migrating":
                files.copy(file.path, Path(self.folder.name) / file.path.name)
        self.backup = Backup(at, Path(self.folder.name) / at.name, self.shop.copy())

    def restore(self) -> None:
        """Puts the backup in place of the database that it was made of. What was accepted since is given up."""
        backup = self.backup
        if backup is None or self.held is not None or not backup.path.exists():
            self.back_up()
            return
        at = self.service().path
        self.harmed = True
        self.close_clients()
        real = os.path.realpath(backup.path)
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{real}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(backup.copy, real)
        if backup.path == at:
            self.shop = backup.shop.copy()
        else:
            self.unfenced.add(backup.path)

    # --- what always holds

    def look(self) -> None:
        for promise in (
            self.nothing_is_lost,
            self.never_do_both_accept,
            self.writes_are_accepted_where_nothing_keeps_them_out,
            self.no_fence_is_up_for_too_long,
        ):
            with suppress(Unreadable):
                promise()

    def nothing_is_lost(self) -> None:
        at = self.service()
        with files.opened(at.path) as db:
            db.execute("BEGIN")
            assert read(db, self.release(at.path)) == self.shop

    def never_do_both_accept(self) -> None:
        accepting = [path for path in self.offered() if files.accepted(path)]
        assert len(accepting) <= 1, f"all of these accept writes: {accepting}"

    def writes_are_accepted_where_nothing_keeps_them_out(self) -> None:
        """A fence that has lapsed, or that the clock has left behind, refuses nothing; nor does the recording."""
        at = self.service()
        if at.sound and at.marker != "retired" and (at.fence is None or at.fence.is_down):
            assert files.accepted(at.path) == len(files.PROBES), f"{at.path.name} refuses writes: {at}"

    def no_fence_is_up_for_too_long(self) -> None:
        for file in self.readable():
            if file.marker == "draining" and file.fence and file.fence.is_up and file.fence.ends is not None:
                assert file.fence.ends <= self.longest + self.set_back + SLACK

    def the_ledger_tells_the_truth(self) -> None:
        """No dead process is running, and whoever is held up is the only one that can be."""
        # Asked as an operator does: in this process nothing is broken on purpose.
        runs = json.loads(self.commands.run(*self.words("runs list"), "--json").out)
        running = [run for run in runs if run["state"] == "running"]
        assert len(running) <= (1 if self.held else 0), running
        self.what_is_in_service_was_not_given_up(runs)

    def what_is_in_service_was_not_given_up(self, runs: list[dict[str, Any]]) -> None:
        with suppress(Unreadable):
            at = self.service()
            if at.status == "ready":
                # The newest: an earlier migration to a file of that name may have been given up.
                about = [run for run in runs if run["new_file"] == at.path.name and run["command"] in HANDING_OVER]
                assert not about or about[0]["state"] != "abandoned", about[0]

    # --- the end

    def finish(self) -> None:
        """Status leads the migration to its end, and everything that was accepted is there."""
        with suppress(Unreadable):
            for client in filter(None, self.clients):
                self.commit(client)
        self.close_clients()
        if self.held is not None:
            self.go_on("CONT")
        self.mend_module()
        taken: list[str] = []
        while not self.is_over(following := self.status()):
            assert len(taken) < MOST_COMMANDS, f"status leads nowhere: {taken}"
            assert following["next"] is not None, f"status knows no way on: {following}"
            taken += self.one_step(following["next"].removeprefix("hotmig ").replace("plan", "migrate"))
            self.look()
            self.the_ledger_tells_the_truth()
        at = self.service().path
        assert self.hotmig("path").out.strip() == str(at)
        with files.opened(at, "rw") as db:
            assert read(db, self.release(at)) == self.shop
        assert files.accepted(at) == len(files.PROBES)
        self.set_clock(self.longest + self.set_back)  # whatever kept the other one shut, it is for good
        self.never_do_both_accept()

    def is_over(self, found: dict[str, Any]) -> bool:
        """Whether the release that the module asks for is in service."""
        arrived = AGE.get(self.module) == AGE[self.release(self.service().path)]
        return arrived and found["phase"] in ("ready", "retired")

    def mend_module(self) -> None:
        """What only a human can put right: a module that asks for no release, or for one before that in service."""
        age = AGE[self.release(self.service().path)]
        if AGE[self.module] < max(age, AGE[NEW]):
            self.put_module(CHAIN[max(age, AGE[NEW])])

    def one_step(self, command: str) -> list[str]:
        """Runs what is next; where it is refused, what its hint says."""
        ended = self.hotmig(command)
        taken = [f"{command}: {ended.code}"]
        if ended.code in (0, 4):
            return taken
        hint = ended.err.rpartition("Hint: ")[2]
        if ended.code == 1 and "`hotmig plan`" in hint:
            with files.opened(self.service().path, "rw") as db:
                mistakes.undo_ddl(db)
            return [*taken, "undone by hand"]
        if "move it away" in hint:
            return [*taken, *self.move_away()]
        if "move away those that the application does not use" in hint:
            at = self.service().path
            for path in files.paths(self.directory):
                if path != at:
                    path.unlink()
            return [*taken, "moved away by hand"]
        if by_hand := re.search(r"execute (UPDATE .+?) in (\S+):", hint):
            with files.opened(self.directory / by_hand[2], "rw") as db:
                db.execute(by_hand[1])
            taken.append("taken back by hand")
        found = re.search(r"`hotmig (reset|migrate|drain|cutover)`", hint)
        assert found, f"no way on: {ended.err}"
        return [*taken, f"{found[1]}: {self.hotmig(found[1]).code}"]

    def move_away(self) -> list[str]:
        """A file that is no database of the application's."""
        odd = [file.path for file in self.readable() if file.status == "damaged" or not file.path.stat().st_size]
        for path in odd:
            path.unlink()
        return [f"{path.name} moved away" for path in odd]
