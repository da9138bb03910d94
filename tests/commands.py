"""Every command of the command line, those of groups by their whole name: ``runs list``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import click

from hotmig.cli.app import cli


@cache
def commands() -> dict[str, click.Command]:
    """What can be run, by the words behind ``hotmig``."""
    return {name: command for name, command in _walk(cli) if not isinstance(command, click.Group)}


@cache
def groups() -> dict[str, click.Group]:
    """What has commands of its own, by the words behind ``hotmig``."""
    return {name: command for name, command in _walk(cli) if isinstance(command, click.Group)}


def _walk(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*before, name)), command
        if isinstance(command, click.Group):
            yield from _walk(command, *before, name)
