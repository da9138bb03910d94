"""A command that changes something: alone in its directory, written down, and explained when it fails half-way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotmig.cli import signals
from hotmig.cli.failures import RUN_ID
from hotmig.cli.options import ARGUMENTS, Options
from hotmig.cli.output import note, remember, warn
from hotmig.errors import HotmigError

if TYPE_CHECKING:
    from hotmig.ledger.run import Run
    from hotmig.phases.locate import Location


@contextmanager
def recorded(options: Options, command: str, *, no_ledger: bool = False, database: Path | None = None) -> Iterator[Run]:
    """Holds the lock and keeps the ledger; says on stderr where, and what could not be written.

    ``database`` is the one whose owner they are for.
    """
    from hotmig.phases.running import running

    # What was typed behind the command, which may be two words.
    typed = (click.get_current_context().find_root().obj or {}).get(ARGUMENTS, ())[command.count(" ") :]
    if options.schema_file is not None:
        typed = _with_whole_path(typed, str(options.schema_file))
    unwritten: Sequence[str] = ()
    try:
        with running(
            options.directory, command, typed, ledger=not no_ledger, seconds=options.busy_timeout, database=database
        ) as run:
            unwritten = run.unwritten  # it grows until the run is stamped
            signals.done_when(lambda: run.is_past_stopping)
            if run.ledger is not None:
                remember(RUN_ID, run.run_id)
                note(options, f"Run {run.run_id}, in {run.ledger.path}")
            with _snapshot_on_failure(options, run):
                yield run
            signals.done_when(lambda: True)
    finally:
        for problem in unwritten:
            warn(f"the ledger did not take an outcome: {problem}")


def _with_whole_path(typed: Sequence[str], schema_file: str) -> list[str]:
    """The arguments as they mean the same from everywhere: on call one does not know where they were typed."""
    words = [f"--schema={schema_file}" if word.startswith("--schema=") else word for word in typed]
    return [schema_file if before == "--schema" else word for before, word in zip(["", *words], words, strict=False)]


@contextmanager
def at_work(
    options: Options,
    command: str,
    *,
    no_ledger: bool,
    need_schema: bool = True,
    extensions: tuple[str, ...] = (),
    require: Callable[[Location], object] = lambda _: None,
) -> Iterator[tuple[Location, Run]]:
    """The same, for a command that works on databases which are there.

    They are looked for twice: what is wrong with the directory or the module is told before lock and ledger are made,
    and what another command did meanwhile is seen behind the lock. ``require`` raises for what the command asks of
    them.
    """
    from hotmig.phases.locate import CutShort, locate
    from hotmig.phases.read_only import require_writable
    from hotmig.phases.running import require_owner

    require_writable(options.directory)
    find = partial(locate, options.directory, options.schema_file, need_schema=need_schema, extensions=extensions)
    known = None
    try:
        found = find()
        database, known = found.old, found.schema
        require(found)
    except CutShort as cut:
        database = cut.path  # mended behind the lock
    require_owner(database)
    with recorded(options, command, no_ledger=no_ledger, database=database) as run:
        yield find(mends=True, known=known), run


@contextmanager
def _snapshot_on_failure(options: Options, run: Run) -> Iterator[None]:
    """When it fails half-way, says on stderr what was left: marker, log, new file, rows, and what to run next."""
    try:
        yield
    except BaseException as error:
        if not options.quiet and (run.acted or not isinstance(error, HotmigError)):
            # Whatever keeps the files from being read, the failure itself must still be told.
            with suppress(Exception):
                _print_snapshot(options)
        raise


def _print_snapshot(options: Options) -> None:
    from hotmig.cli.output import print_lines
    from hotmig.cli.render.commands import pasteable
    from hotmig.cli.render.status import to_lines
    from hotmig.phases.standing import IDLE
    from hotmig.phases.status import status

    left = replace(status(options.directory, options.schema_file), last_run=None, at_work=None)  # which is this one
    if left.phase not in IDLE or left.attention:
        next_command = pasteable(left.following, options) if left.following else None
        print_lines(("Recovery snapshot:", *to_lines(left, next_command), ""), err=True)
