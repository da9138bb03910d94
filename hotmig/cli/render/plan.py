"""The plan as a person reads it, and as JSON."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from hotmig.cli.render.data import pending
from hotmig.cli.render.units import number
from hotmig.planning.as_is import way
from hotmig.planning.group_facts import KINDS, GroupFacts
from hotmig.planning.model import CopyPlan, Finding, Severity, TableStep
from hotmig.sqlite import fold
from hotmig.units import counted

if TYPE_CHECKING:
    from hotmig.phases.plan import PlanResult

LABEL_WIDTH = 13
WIDTH_OF_A_FILE = 160  # where no terminal says how wide a table may be
WHEN_NOTHING_TO_DO = "Nothing to do: the database already has this schema."
HOW = {"as-is": "as it is"}
_FOR_PEOPLE = {"NULL": "NULL in every row"}
HEADINGS: tuple[tuple[Severity, str], ...] = (("block", "Blocking"), ("warn", "Warnings"), ("note", "Notes"))


def to_json(result: PlanResult) -> dict[str, Any]:
    """The facts, without the format."""
    return {
        "runnable": result.runnable,
        "nothing_to_do": result.nothing_to_do,
        "directory": str(result.directory),
        "schema": str(result.schema),
        "old": None if result.old is None else str(result.old),
        "new": str(result.new),
        "schema_hash": result.schema_hash,
        "schema_commit": result.schema_commit,
        "by_pages": result.copies_pages,
        "steps": [_step_to_json(step, result) for step in result.plan.steps] if result.plan else [],
        "findings": [
            {
                "check": finding.check,
                "severity": finding.severity,
                "table": finding.table,
                "message": finding.message,
                "fix": finding.fix,
            }
            for finding in result.findings
        ],
        "groups": [_groups_to_json(facts) for facts in result.groups if facts.counted],
        "report": None if result.report is None else str(result.report),
        "differences": list(result.differences),
        "data_migrations": [{"name": each.name, "when": each.when} for each in result.data_migrations],
        "prerequisites": [{"name": name, "value": value, "ok": ok} for name, value, ok in result.prerequisites],
    }


def draw(result: PlanResult) -> None:
    """Prints the plan on stdout."""
    _print(_header(result))
    if result.nothing_to_do:
        _print(("", WHEN_NOTHING_TO_DO))
        _print(_data_migrations(result))
        return
    if result.plan and result.plan.steps:
        _print(("", "Tables, parents before their children:"))
        _draw_tables(result.plan, result)
        _print(_ways(result.plan, result))
    if result.differences:
        _print(("", "Differences:", *(f"  {difference}" for difference in result.differences)))
    _print(_groups(result.groups))
    for severity, heading in HEADINGS:
        _print(_findings(heading, [finding for finding in result.findings if finding.severity == severity]))
    _print(_data_migrations(result))
    _print(_prerequisites(result.prerequisites))
    if result.report is not None:
        _print(("", f"Every row that becomes one with another: {result.report}"))
    _print(("", f"Can run migrate now: {'yes' if result.runnable else 'no'}"))


def _data_migrations(result: PlanResult) -> Iterator[str]:
    if result.data_migrations:
        yield ""
        yield "Data migrations that are pending:"
    for each in result.data_migrations:
        yield f"  {pending(each)}"


def _header(result: PlanResult) -> Iterator[str]:
    commit = f", commit {result.schema_commit}" if result.schema_commit else ""
    facts = {
        "directory": result.directory,
        "schema module": result.schema,
        "schema": f"{result.schema_hash}{commit}",
        "old database": result.old or "none",
        "new database": result.new,
    }
    for label, fact in facts.items():
        yield f"{label:<{LABEL_WIDTH}}  {fact}"


def _ways(plan: CopyPlan, result: PlanResult) -> Iterator[str]:
    if result.copies_pages:
        yield "The file is copied as a whole, page by page, and becomes the new one by ALTER TABLE, CREATE and DROP."
    ways = ((step, way(step, wal=result.wal)) for step in plan.steps)
    projected = [f"  {step.table.name}: {why}" for step, (_, why) in ways if why is not None]
    if projected:
        yield "Projected, not copied as they are:"
        yield from projected


def _draw_tables(plan: CopyPlan, result: PlanResult) -> None:
    # rich takes longer to import than all the rest of a command.
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # Names are the user's: `[red]` or `:smile:` in one is no markup.
    console = Console(markup=False, emoji=False, highlight=False, width=None if _terminal() else WIDTH_OF_A_FILE)
    drawn = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("#", "table", "from", "how", "key", "columns"):
        drawn.add_column(heading, overflow="fold")
    drawn.add_column("rows", justify="right", overflow="fold")
    for step in plan.steps:
        count = number(result.rows.get(step.table.name), missing="")
        how, _ = way(step, wal=result.wal)
        told = HOW.get(how, how)
        drawn.add_row(str(step.number), step.table.name, _source(step), told, _keys(step), _columns(step), count)
    console.print(drawn)


def _terminal() -> bool:
    return sys.stdout.isatty()


def _source(step: TableStep) -> str:
    return step.source.name if step.source else "(new)"


def _keys(step: TableStep) -> str:
    if step.source is None:
        return ""
    return "kept" if step.keys == "kept" else "new"


def _columns(step: TableStep) -> str:
    """The columns that are not simply carried over under their own name."""
    if step.source is None:
        return counted(len(step.seeds), "seed row") if step.seeds else ""
    carried = fold(f"{step.source.name}.")
    changed = [
        f"{column.name}: {_FOR_PEOPLE.get(column.origin, column.origin)}"
        for column in step.columns
        if fold(column.origin) != carried + fold(column.name)
    ]
    return "\n".join(changed) if changed else "unchanged"


def _groups(groups: Iterable[GroupFacts]) -> Iterator[str]:
    """How many rows of each table become one with others."""
    found = [facts for facts in groups if facts.counted]
    if found:
        yield ""
        yield "Rows that become one:"
    for facts in found:
        counts = ", ".join(f"{facts.of(kind).count} {kind.replace('_', ' ')}" for kind in KINDS)
        yield f"  {facts.table}: {counts}"


def _groups_to_json(facts: GroupFacts) -> dict[str, Any]:
    return {
        "table": facts.table,
        **{kind: {"count": facts.of(kind).count, "samples": list(facts.of(kind).samples)} for kind in KINDS},
    }


def _findings(heading: str, findings: Iterable[Finding]) -> Iterator[str]:
    for position, finding in enumerate(findings):
        if position == 0:
            yield ""
            yield f"{heading}:"
        yield f"  {_where(finding)}{finding.message}  [{finding.check}]"
        if finding.fix:
            yield f"      write: {finding.fix}"


def _where(finding: Finding) -> str:
    """The new table, unless the message names it: it may speak of the old one only."""
    if not finding.table or re.search(rf"(?<!\w){re.escape(finding.table)}(?!\w)", finding.message):
        return ""
    return f"{finding.table}: "


def _prerequisites(prerequisites: Iterable[tuple[str, str, bool]]) -> Iterator[str]:
    listed = list(prerequisites)
    width = max((len(name) for name, _, _ in listed), default=0)
    for position, (name, value, ok) in enumerate(listed):
        if position == 0:
            yield ""
            yield "Before replay:"
        yield f"  {'ok' if ok else 'NO'}  {name:<{width}}  {value}"


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _step_to_json(step: TableStep, result: PlanResult) -> dict[str, Any]:
    how, why = way(step, wal=result.wal)
    return {
        "table": step.table.name,
        "source": step.source.name if step.source else None,
        "how": how,
        "why": why,
        "keys": step.keys,
        "rows": result.rows.get(step.table.name),
        "columns": [{"name": column.name, "from": column.origin} for column in step.columns],
    }
