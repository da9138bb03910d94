"""What every check works with: the context, the registry, and the words for rows and values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hotmig.planning.group_facts import GroupFacts
from hotmig.planning.model import Answer, CopyPlan, Finding, Hint, Probe, TableStep
from hotmig.schema.model import ColumnRules, Schema, TableRules
from hotmig.sqlite import fold, quote, text

SAMPLES = 3
_WIDEST_SAMPLE = 40


LIVE = "the live database itself"  # how target_taken begins where it is that
UNFINISHED = "a new database that was left unfinished"  # and what it is where no migration here is recorded for it


@dataclass(frozen=True)
class Facts:
    """What the phase knows of the files and of SQLite. Sizes are bytes; None where it could not be found out.

    ``functions`` and ``collations`` are those of the connection (``pragma_function_list``,
    ``pragma_collation_list``). ``target_taken`` says what stands under the new database's name, unless that is
    this very migration's own file: "a retired database", "a ready database", "a file that is no database".
    """

    journal_mode: str = "wal"
    old_file: str = ""
    old_names: int = 1  # under how many names the old file can be opened; symbolic links lead to one
    old_size: int | None = None
    old_free: int | None = None  # of that, pages that nothing stands in
    disk_free: int | None = None
    user_id: int | None = None
    owner_id: int | None = None
    foreign_group: int | None = None  # the old file's group, where this user is not in it
    read_only: tuple[str, ...] = ()  # what this user may not write to: the directory, the old database
    target: str = ""
    target_taken: str | None = None
    under_way: str | None = None  # the new database of another migration
    begun_with: str | None = None  # the schema module of that, where it lies elsewhere
    left_behind: bool = False  # log or triggers of a migration whose marker is gone
    log_problem: str | None = None  # why the log of the migration under way can't be relied on
    strangers: tuple[str, ...] = ()
    functions: frozenset[str] | None = None
    collations: frozenset[str] | None = None
    drifted: tuple[str, ...] = ()
    has_marks: bool = False  # what is applied was noted by hotmig already: in this database, or in the making of it


@dataclass(frozen=True)
class Context:
    plan: CopyPlan
    schema: Schema
    facts: Facts = Facts()
    answers: tuple[Answer, ...] = ()
    used_hints: frozenset[Hint] = frozenset()
    groups: tuple[GroupFacts, ...] | None = ()  # None where they could not be found out
    groups_problem: str | None = None  # and why

    def groups_of(self, step: TableStep) -> GroupFacts | None:
        """What becomes of the rows of a table that has groups, or follows one."""
        return next((each for each in self.groups or () if each.table == step.table.name), None)

    def rows(self, check: str, subject: str) -> tuple[tuple[Any, ...], ...]:
        """The answer to one question of one check, () when there is none."""
        for answer in self.answers:
            if answer.probe.check == check and answer.probe.subject == subject:
                return answer.rows
        return ()

    def count(self, check: str, subject: str) -> int:
        """The first value of the answer, 0 without one."""
        rows = self.rows(check, subject)
        return int(rows[0][0]) if rows else 0

    def is_dropped(self, table: str, column: str | None = None) -> bool:
        """Whether the module gives up that column, or that whole table."""
        wanted = (fold(table), fold(column) if column is not None else None)
        given_up = ((fold(each.table), fold(each.column) if each.column else None) for each in self.schema.dropped)
        return wanted in given_up

    def rules(self, step: TableStep) -> TableRules | None:
        return self.schema.rules(step.table.name)

    def column_rules(self, step: TableStep, column: str) -> ColumnRules | None:
        rules = self.rules(step)
        return rules.column(column) if rules is not None else None


Findings = Callable[[Context], Iterable[Finding]]
Probes = Callable[[Context], Iterable[Probe]]


@dataclass(frozen=True)
class Check:
    name: str
    findings: Findings
    probes: Probes | None


_registry: dict[str, Check] = {}


def check(name: str, probes: Probes | None = None) -> Callable[[Findings], Findings]:
    """Registers a function as the check of that name; ``probes`` are the questions that it asks the data first."""

    def register(findings: Findings) -> Findings:
        if name in _registry:
            raise ValueError(f"two checks are named {name}")
        _registry[name] = Check(name, findings, probes)
        return findings

    return register


def registered() -> tuple[Check, ...]:
    """All checks by name."""
    return tuple(_registry[name] for name in sorted(_registry))


def how_many(keys: Sequence[str], rows: str) -> str:
    """A question: how many rows there are, and the keys of the first ones, in their order.

    ``rows`` is ``FROM … WHERE …``; only rows that are found are sorted.
    """
    binary = [f"{key} COLLATE BINARY" for key in keys]
    order = f" ORDER BY {', '.join(binary)}" if keys else ""
    return f"SELECT {', '.join(['count(*) OVER ()', *keys])} {rows}{order} LIMIT {SAMPLES}"


def source_keys(step: TableStep) -> tuple[str, ...]:
    """The old key's columns, quoted, for use over the old table."""
    return tuple(quote(name) for name in (step.source_key.columns if step.source_key is not None else ()))


def first_keys(step: TableStep, rows: Sequence[Sequence[Any]]) -> str:
    """``id 1, 2, 3`` or ``(a, b) (1, 'x'), …``, of rows whose first value is the count."""
    names = step.source_key.columns if step.source_key is not None else ()
    return samples(names, [row[1:] for row in rows], int(rows[0][0]) if rows else 0)


def samples(names: Sequence[str], values: Sequence[Sequence[Any]], count: int) -> str:
    """The names, then the values of the first rows, then an ellipsis where there are more."""
    if not names:
        return "its key is not known"
    more = ", …" if count > len(values) else ""
    if len(names) == 1:
        return f"{names[0]} {', '.join(shown(row[0]) for row in values)}{more}"
    listed = ", ".join(f"({', '.join(map(shown, row))})" for row in values)
    return f"({', '.join(names)}) {listed}{more}"


def shown(value: Any) -> str:
    """A value as SQL would write it, cut where it is long."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value[: _WIDEST_SAMPLE // 2].hex()}'" + ("…" if len(value) > _WIDEST_SAMPLE // 2 else "")
    if isinstance(value, str):
        short = value[:_WIDEST_SAMPLE]
        # What would break the line, or reach the terminal as a command, is told as Python writes it.
        return (text(short) if short.isprintable() else repr(short)) + ("…" if len(value) > _WIDEST_SAMPLE else "")
    return str(value)


def literal(content: str) -> str:
    """A Python string literal, in double quotes."""
    return json.dumps(content, ensure_ascii=False)


def dropped_line(table: str, column: str | None = None) -> str:
    """The line that gives up a column or a table."""
    return f"dropped({literal(table)})" if column is None else f"dropped({literal(table)}, {literal(column)})"
