"""The command group: commands are imported when they are asked for, and every error becomes one line and a code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

from hotmig import __version__
from hotmig.cli import signals
from hotmig.cli.failures import JSON, explain
from hotmig.cli.options import ARGUMENTS
from hotmig.errors import UsageError
from hotmig.sqlite import require_version

COMMANDS = (
    "init",
    "inspect",
    "plan",
    "migrate",
    "drain",
    "cutover",
    "cleanup-old",
    "reset",
    "status",
    "path",
    "runs",
    "data",
    "demo",
    "bench",
)
COMPLETION = "_HOTMIG_COMPLETE"  # click's variable for shell completion


class App(click.Group):
    """A group that knows its commands by name only, so that ``hotmig status`` imports nothing but itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports one command; None when there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hotmig.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Runs a command line and exits with its code, whatever happens."""
        if COMPLETION in os.environ:
            super().main(args, prog_name, **extra)
        _open_closed_streams()
        sys.exit(self._run(list(sys.argv[1:] if args is None else args)))

    def _run(self, args: list[str]) -> int:
        # Read here: click parses no further than to the first mistake.
        settings: dict[str, Any] = {ARGUMENTS: args[1:], JSON: "--json" in args}
        try:
            require_version()
            with self.make_context("hotmig", args, obj=settings) as ctx:
                self.invoke(ctx)
            sys.stdout.flush()
            signals.ignore()
        except BaseException as error:
            signals.ignore()
            if isinstance(error, click.NoSuchOption):
                error = _of_another_command(error) or error
            return explain(error, settings)
        return 0


def _of_another_command(error: click.NoSuchOption) -> UsageError | None:
    """An option that other commands have, told with their names; None for one that no command has."""
    asked = error.ctx
    if asked is None or asked.command is cli:
        return None
    having = [f"`hotmig {name}`" for name in _having(cli, error.option_name)]
    if not having:
        return None
    return UsageError(
        f"No such option: {error.option_name}",
        f"{error.option_name} belongs to {', '.join(having)}; `{asked.command_path} --help` lists what this one takes",
    )


def _having(group: click.Group, option: str) -> Iterator[str]:
    """The names of the commands that have an option, those in groups included."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in _having(command, option))
        elif command and any(option in parameter.opts for parameter in command.params):
            yield name


def _open_closed_streams() -> None:
    """`hotmig migrate >&-`: without a stdout Python has None there, and the work would seem to have failed."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process


@click.group(
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done or nothing to do, 1 failed or blocked, 2 usage, 3 refused because it could lose data, "
    "4 gave up in time: safe to run again.",
)
@click.version_option(__version__, prog_name="hotmig", help="Show the version and exit.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Move a live SQLite database to a new schema while the application goes on writing to it.

    The schema is a module of dataclasses, DIR/schema.py. A deploy runs migrate, drain and cutover; plan says
    beforehand what they will do, and status says at any moment where things stand.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
