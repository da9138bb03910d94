"""The options that every command has."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from hotmig.cli.failures import DEBUG
from hotmig.sqlite import LOCK_SECONDS, waits

ARGUMENTS = "arguments"  # in the context: what was typed behind the command

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line, whatever the command. Paths are absolute."""

    directory: Path
    schema_file: Path | None
    json: bool
    quiet: bool
    busy_timeout: float = LOCK_SECONDS


class Seconds(click.FloatRange):
    """A number of seconds. Python also reads "nan" and "inf", which compare with no clock."""

    unit = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails on what is none."""
        try:
            float(value)
        except ValueError:
            self.fail(f"{value} is no number of {self.unit}.", param, ctx)
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number of {self.unit}.", param, ctx)
        return number


class Days(Seconds):
    """A number of days."""

    unit = "days"


class Percent(Seconds):
    """A share of the whole, ``30`` or ``30%``: becomes 0.3."""

    unit = "percent"

    def __init__(self) -> None:
        super().__init__(min=1, max=100)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share. Fails on what is no number from 1 to 100."""
        return super().convert(value.removesuffix("%") if isinstance(value, str) else value, param, ctx) / 100


def _absolute(ctx: click.Context, parameter: click.Parameter, given: Path | None) -> Path | None:  # noqa: ARG001
    # Links are kept: what the operator typed is what the messages name.
    return None if given is None else Path(os.path.abspath(given))


def _debug(ctx: click.Context, parameter: click.Parameter, given: bool) -> None:  # noqa: ARG001
    if given:
        ctx.ensure_object(dict)[DEBUG] = True


directory_option = click.option(
    "-d",
    "--dir",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    callback=_absolute,
    help="The directory of the databases and of schema.py.  [default: the current one]",
)
schema_option = click.option(
    "--schema",
    "schema_file",
    type=click.Path(path_type=Path),
    callback=_absolute,
    metavar="FILE",
    help="The schema module, where it does not live beside the data.  [default: DIR/schema.py]",
)
json_option = click.option("--json", "json", is_flag=True, help="Print the result, or the error, as one JSON object.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No notes and no progress on stderr.")
busy_timeout_option = click.option(
    "--busy-timeout",
    type=Seconds(min=0),
    default=LOCK_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for any one lock that somebody else holds.",
)
debug_option = click.option(
    "--debug",
    is_flag=True,
    is_eager=True,  # an error in another option is told with its traceback too
    expose_value=False,
    callback=_debug,
    help="Show the traceback of an error.",
)


def _limit_waiting(options: Options) -> None:
    """How long hotmig waits for a lock, and the line that says what for."""

    def tell(what: str, seconds: float) -> None:
        if not options.quiet:
            click.echo(f"Waiting for {what}, {round(seconds, 1):g} s at most …", err=True)

    waits.seconds, waits.tell = options.busy_timeout, tell


def shared(function: Function) -> Function:
    """Adds the common options; the function gets them as its first argument, an Options."""

    @wraps(function)
    def run(
        directory: Path, schema_file: Path | None, json: bool, quiet: bool, busy_timeout: float, **rest: Any
    ) -> Any:
        from hotmig.cli.banner import refuse_newer, tell_failures

        options = Options(directory, schema_file, json, quiet, busy_timeout)
        _limit_waiting(options)
        name = click.get_current_context().command_path.split()[1]
        refuse_newer(directory, schema_file, name)
        if not quiet:
            tell_failures(directory, schema_file, name)
        return function(options, **rest)

    command: Any = run
    for option in (debug_option, busy_timeout_option, quiet_option, json_option, schema_option, directory_option):
        command = option(command)
    decorated: Function = command
    return decorated


extension_option = click.option(
    "--load-extension",
    "extensions",
    multiple=True,
    metavar="FILE",
    help="Load a SQLite extension with functions or collations that the databases use; may be given again.",
)
long_reads_option = click.option(
    "--long-reads",
    is_flag=True,
    help="Check large tables to the end although the journal mode lets the application's writes wait for that.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
print_sql_option = click.option(
    "--print-sql", "only_sql", is_flag=True, help="Print the SQL that does it without hotmig, and do nothing."
)
no_ledger_option = click.option(
    "--no-ledger",
    is_flag=True,
    help="Keep no record of this run: for emergencies in which the ledger can't be written.",
)
