"""A plan from what a person would write: the old database as SQL, the new schema as a module."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.catalog.read import read_catalog
from hotmig.planning import checks
from hotmig.planning.checking import Context, Facts
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.model import Answer, CopyPlan, Finding, Hint, TableStep
from hotmig.schema.load import load
from hotmig.schema.model import Schema
from hotmig.sqlite import connect, execute
from hotmig.transfer.value_maps import create_value_maps

HEADER = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Annotated
from hotmig.schema import *
"""


def old_database(script: str) -> sqlite3.Connection:
    db = connect(":memory:", "rwc")
    for statement in script.split(";;") if ";;" in script else script.split(";"):
        execute(db, statement)
    return db


def schema_of(module: str) -> Schema:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "schema.py"
        file.write_text(HEADER + module)
        return load(file, prepare=_with_slug)


def _with_slug(db: sqlite3.Connection) -> None:
    """A function that only the application has: the old database's connection here lacks it."""
    db.create_function("slug", 1, str, deterministic=True)


def ask(db: sqlite3.Connection, context: Context) -> Context:
    """Puts the questions to the database as the phase does."""
    answers = []
    create_value_maps(db, context.plan.steps)
    for probe in checks.probes(context):
        try:
            answers.append(Answer(probe, tuple(execute(db, probe.sql, probe.parameters).fetchall())))
        except sqlite3.Error as error:
            answers.append(Answer(probe, (), str(error)))
    return replace(context, answers=tuple(answers))


@dataclass(frozen=True)
class Planned:
    context: Context
    findings: tuple[Finding, ...]

    @property
    def plan(self) -> CopyPlan:
        return self.context.plan

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity == "block")

    @property
    def objections(self) -> tuple[Finding, ...]:
        """All but notes."""
        return tuple(each for each in self.findings if each.severity != "note")

    def step(self, table: str) -> TableStep:
        step = self.plan.step(table)
        assert step is not None
        return step

    def of(self, check: str) -> list[tuple[str, str, str | None]]:
        """The findings of one check: severity, message, fix."""
        return [(each.severity, each.message, each.fix) for each in self.findings if each.check == check]


def planned(old: str, module: str, *, facts: Facts | None = None, used: frozenset[Hint] = frozenset()) -> Planned:
    db = old_database(old)
    schema = schema_of(module)
    context = Context(build_plan(read_catalog(db), schema, used), schema, facts or Facts(), (), used)
    context = ask(db, context)
    return Planned(context, checks.findings(context))
