"""``hotmig data``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, extension_option, no_ledger_option, shared
from hotmig.errors import UsageError


@click.group("data", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show, skip and run data migrations.

    They are numbered functions over the new database. Those of the cutover are run by it, while writes are paused; the
    others at its end, or by run.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@command.command("status")
@extension_option
@shared
def status_command(options: Options, extensions: tuple[str, ...]) -> None:
    """Show what became of each data migration.

    Applied and when, failed and where to read more, pending, skipped and why.
    """
    from hotmig.cli.output import print_result
    from hotmig.cli.render import data as render
    from hotmig.phases.data import look
    from hotmig.phases.locate import locate

    found = look(locate(options.directory, options.schema_file, extensions=extensions))
    print_result(options, found, render.status)


@command.command("skip")
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is not to be run; data status shows it.")
@extension_option
@no_ledger_option
@shared
def skip_command(options: Options, name: str, reason: str, extensions: tuple[str, ...], no_ledger: bool) -> None:
    """Do not run a data migration, in this database.

    For one that can't succeed, so that the cutover can go on, or whose work was done by hand. Refused for one that is
    applied, or skipped already.
    """
    from hotmig.cli.output import print_result
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import data as render
    from hotmig.phases.data import require_skippable, skip
    from hotmig.phases.locate import locate

    if not reason.strip():
        raise UsageError("--reason is empty", "say why: whoever reads `hotmig data status` later wants to know")
    # What is wrong is told before lock and ledger are made.
    require_skippable(locate(options.directory, options.schema_file, extensions=extensions), name)
    with at_work(options, "data skip", no_ledger=no_ledger, extensions=extensions) as (location, run):
        result = skip(location, name, reason.strip(), seconds=options.busy_timeout, run=run)
    print_result(options, result, render.skip, run.run_id)


@command.command("unskip")
@click.argument("name")
@extension_option
@no_ledger_option
@shared
def unskip_command(options: Options, name: str, extensions: tuple[str, ...], no_ledger: bool) -> None:
    """Take a skip back, and say when the data migration will be run. It is not run now."""
    from hotmig.cli.output import print_result
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import data as render
    from hotmig.phases.data import not_skipped, unskip
    from hotmig.phases.locate import locate

    nothing = not_skipped(locate(options.directory, options.schema_file, extensions=extensions), name)
    if nothing is not None:
        print_result(options, nothing, render.unskip)
        return
    with at_work(options, "data unskip", no_ledger=no_ledger, extensions=extensions) as (location, run):
        result = unskip(location, name, seconds=options.busy_timeout, run=run)
    print_result(options, result, render.unskip, run.run_id)


@command.command("run")
@extension_option
@no_ledger_option
@shared
def run_command(options: Options, extensions: tuple[str, ...], no_ledger: bool) -> None:
    """Run those that wait for the database in service.

    Each in its own transaction, for which the application's writes wait. The first that fails is rolled back, and no
    other is run.
    """
    from hotmig.cli.output import print_result
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import data as render
    from hotmig.phases.data import require_settled, run_pending

    with at_work(options, "data run", no_ledger=no_ledger, extensions=extensions, require=require_settled) as (
        location,
        run,
    ):
        result = run_pending(location, seconds=options.busy_timeout, extensions=extensions, run=run)
    print_result(options, result, render.run, run.run_id)
