"""``hotmig runs``."""

from __future__ import annotations

import sys

import click

from hotmig.cli.options import Days, Options, dry_run_option, shared
from hotmig.errors import HotmigError, UsageError
from hotmig.ledger.model import STATES, State


@click.group("runs", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List what was run here, and take a run back.

    Every command that changes something is a run in DIR/.hotmig/ledger.sqlite, and each of its side effects a step:
    written down before it happens, and again behind it.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@command.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only the runs in this state.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many, the newest.")
@shared
def list_command(options: Options, state: State | None, limit: int | None) -> None:
    """List the runs, the newest first."""
    from hotmig.cli.output import print_json_list, print_lines
    from hotmig.cli.render import runs as render
    from hotmig.phases.runs import list_runs

    found = list_runs(options.directory, state, limit)
    if options.json:
        print_json_list(map(render.summary, found))
    else:
        print_lines(render.table(found))


@command.command("show")
@click.argument("run")
@shared
def show_command(options: Options, run: str) -> None:
    """Show one run with its steps. RUN is its id, or the beginning of it."""
    from hotmig.cli.output import print_result
    from hotmig.cli.render import runs as render
    from hotmig.phases.runs import show_run

    print_result(options, show_run(options.directory, run), render.run)


@command.command("rollback")
@click.argument("run")
@dry_run_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@shared
def rollback_command(options: Options, run: str, dry_run: bool, yes: bool) -> None:
    """Undo what a run did, as far as that can be undone.

    Recording, the new file, the fence: the last one first. It shows every step, and asks. A cutover is not undone:
    once the new database is ready this is refused. RUN is the run's id, or the beginning of it.
    """
    from hotmig.cli.output import print_lines, print_result
    from hotmig.cli.recorded import recorded
    from hotmig.cli.render import runs as render
    from hotmig.phases.read_only import require_writable
    from hotmig.phases.rollback import COMMAND, preview, rollback

    if not dry_run:
        require_writable(options.directory)
    planned = preview(options.directory, run)
    if dry_run or planned.skipped:
        print_result(options, planned, render.rollback)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "a rollback asks before it begins, and here is nobody to answer", "look with --dry-run, then give --yes"
            )
        print_lines(render.rollback(planned), err=True)
        if not click.confirm("Go on?", err=True):
            raise HotmigError("not confirmed: nothing was changed")
    with recorded(options, COMMAND) as own:
        done = rollback(options.directory, planned.rolled_back, own, options.busy_timeout)
        print_result(options, done, render.rollback, own.run_id)
        if done.failed:
            first = done.failed[0]
            raise HotmigError(
                f"step {first.step.seq} could not be undone: {first.reason}",
                f"`hotmig status` says where things stand; run `hotmig runs rollback {done.rolled_back}` again",
            )


@command.command("prune")
@click.option(
    "--older-than",
    "days",
    type=Days(min=0, max=36_500),
    required=True,
    metavar="DAYS",
    help="Their age, in days.",
)
@shared
def prune_command(options: Options, days: float) -> None:
    """Delete old runs, none of a migration under way."""
    from hotmig.cli.output import print_result
    from hotmig.cli.render import runs as render
    from hotmig.phases.runs import prune

    print_result(options, prune(options.directory, days, options.busy_timeout), render.prune)
