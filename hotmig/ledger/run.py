"""A command at work: an intent is committed before each side effect, its outcome after it."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import dropwhile

from hotmig.errors import HotmigError, Refused
from hotmig.ledger.actions import ENDING, READY, START_RECORDING
from hotmig.ledger.model import Step, Undo
from hotmig.ledger.state import after_failure
from hotmig.ledger.store import Intent, Ledger, Outcome

NOT_REACHED = "not reached"
WHILE_WRITES_ARE_REFUSED = 0.2  # seconds to wait for the ledger's lock


def now() -> str:
    """The time in UTC, to the millisecond."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_run_id(command: str) -> str:
    """Sorts by time, and says what ran. One word in a shell."""
    return f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{command.replace(' ', '-')}-{secrets.token_hex(3)}"


Reached = Callable[[Intent], None]


@dataclass
class Run:
    """``ledger`` is None where nothing is written down (--no-ledger, and callers who keep no record).

    ``acted`` says whether a side effect was begun, ``handed_over`` whether the application is in the new database;
    ``unwritten`` has the outcomes that the ledger did not take.
    """

    run_id: str = ""
    ledger: Ledger | None = None
    acted: bool = False
    handed_over: bool = False
    unwritten: list[str] = field(default_factory=list)
    _can_stop: bool = False

    @property
    def is_past_stopping(self) -> bool:
        """Whether a signal comes too late: the application is in the new database, and nothing more can be put off."""
        return self.handed_over and not self._can_stop

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Work behind the hand-over that may be long, and can be done later: a signal stops that, and nothing else."""
        self._can_stop = True
        try:
            yield
        finally:
            self._can_stop = False

    @contextmanager
    def step(self, action: str, object: str, detail: str | None = None, undo: Undo | None = None) -> Iterator[None]:
        """One side effect. Raises HotmigError, before it, when the ledger does not take the intent."""
        intent = Intent(action, object, detail, undo)
        with self.steps(intent) as reached:
            yield
            reached(intent)

    @contextmanager
    def steps(self, *intents: Intent) -> Iterator[Reached]:
        """Several side effects that follow one another closely: one commit before all of them, one after the last.

        Between them nothing is written: writes are paused there. The caller calls ``reached`` behind each.
        """
        with self._settled(intents, self._intend(intents)) as reached:
            yield reached

    @contextmanager
    def step_anyway(self, action: str, object: str) -> Iterator[None]:
        """One side effect that must not wait for the ledger: the application is kept from writing meanwhile."""
        intent = Intent(action, object)
        ids: tuple[int, ...] = ()
        try:
            ids = self._intend((intent,), WHILE_WRITES_ARE_REFUSED)
        except HotmigError as failure:
            self.unwritten.append(str(failure))
        with self._settled((intent,), ids) as reached:
            yield
            reached(intent)

    def _intend(self, intents: tuple[Intent, ...], seconds: float | None = None) -> tuple[int, ...]:
        ids = self.ledger.add_steps(self.run_id, now(), intents, seconds) if self.ledger else ()
        self.acted = True
        return ids

    @contextmanager
    def _settled(self, intents: tuple[Intent, ...], ids: tuple[int, ...]) -> Iterator[Reached]:
        done: dict[Intent, str] = {}

        def reached(intent: Intent) -> None:
            done.setdefault(intent, now())
            self.handed_over = self.handed_over or intent.action == READY

        try:
            yield reached
        except BaseException as error:
            self._settle(intents, ids, done, _told_with_trace(error), getattr(error, "step", None))
            raise
        self._settle(intents, ids, done, NOT_REACHED)

    def _settle(
        self,
        intents: tuple[Intent, ...],
        ids: tuple[int, ...],
        done: dict[Intent, str],
        error: str,
        failed: str | None = None,
    ) -> None:
        """The first step that was not reached is the one that failed; or that of the object ``failed``.

        Then those before it had succeeded, and were rolled back with it.
        """
        if self.ledger is None or not ids:
            return
        outcomes = []
        for intent, step_id in zip(intents, ids, strict=True):
            if intent in done:
                outcomes.append(Outcome(step_id, done[intent], "done"))
            elif failed not in (None, intent.object):
                outcomes.append(Outcome(step_id, now(), "rolled_back"))
            else:
                failed = None
                outcomes.append(Outcome(step_id, now(), "failed", error))
                error = NOT_REACHED
        try:
            self.ledger.settle(outcomes)
        except HotmigError as failure:
            # The effects stand. What a step without an outcome did, the databases say.
            self.unwritten.append(str(failure))
        except BaseException:
            # The new database is in service: a deploy script that is told to stop must not take that for failed.
            if not self.handed_over:
                raise
            self.unwritten.append("interrupted")

    def concerns(self, plan_hash: str | None, old_file: str | None, new_file: str | None) -> None:
        """Says what the run is about, once that is known."""
        if self.ledger:
            self.ledger.concerns(self.run_id, plan_hash, old_file, new_file)

    def abandon_earlier(self, new_file: str, than: str | None = None) -> None:
        """Stamps the runs of the migration to a new database which is given up, back to the one that began it.

        ``than`` is the run that gave it up, if not this one.
        """
        if self.ledger is None:
            return
        giving_up = than or self.run_id
        for run in dropwhile(lambda run: run.run_id != giving_up, self.ledger.runs()):  # the newest first
            if run.new_file != new_file or run.run_id == giving_up:
                continue
            steps = self.ledger.steps(run.run_id)
            if any(step.action in ENDING and step.status == "done" for step in steps):
                break  # an earlier migration to a database of that name
            if run.stamp != "rolled_back":
                self.ledger.stamp(run.run_id, "abandoned", now())
            if began(steps):
                break

    def abandon_for_dead(self, command: str) -> None:
        """A ``command`` that died behind its last effect has stamped nothing: what it gave up is abandoned."""
        for run in self.ledger.runs() if self.ledger else ():
            if run.command == command and run.stamp == "running" and run.run_id != self.run_id and run.new_file:
                self.abandon_earlier(run.new_file, run.run_id)
            steps = self.ledger.steps(run.run_id) if self.ledger else ()
            if began(steps) or any(step.action == READY and step.status == "done" for step in steps):
                break  # what came before it is settled

    def finish(self, error: BaseException | None = None) -> None:
        """Stamps the run."""
        if self.ledger is None:
            return
        try:
            if error is None:
                self._complete(self.ledger)
            else:
                refused = isinstance(error, Refused)
                state = "failed" if refused else after_failure(self.ledger.steps(self.run_id))
                self.ledger.stamp(self.run_id, state, now(), _told(error))
        except HotmigError as failure:
            self.unwritten.append(str(failure))

    def _complete(self, ledger: Ledger) -> None:
        try:
            ledger.stamp(self.run_id, "completed", now())
        except HotmigError:
            raise
        except BaseException:
            # All is done: told to stop in these last moments, the command does not fail.
            self.unwritten.append("interrupted")


UNRECORDED = Run()  # for callers who write nothing down


def began(steps: Sequence[Step]) -> bool:
    """Whether a migration began with this run."""
    return any(step.action == START_RECORDING and step.status != "failed" for step in steps)


def _told_with_trace(error: BaseException) -> str:
    return "\n".join(filter(None, (_told(error), getattr(error, "trace", ""))))


def _told(error: BaseException) -> str:
    """An error without anything of the users' data."""
    if isinstance(error, HotmigError):
        return error.without_data
    return str(getattr(error, "told", type(error).__name__))
