"""Random migrations under random writes: the new database is what the independent model says.

    pytest tests/model --examples 10000

The model computes the new rows from those that the old file holds at the end; the writes come between any two
statements of any command, so recording, copy, replay, fence and cutover are met at every step.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.model import generate
from tests.model.driver import Driver, Moment, Moments
from tests.model.model import compare, expected, read_of
from tests.model.render import render_module
from tests.model.schemas import Carried, Change, Column, NewTable, Table, create
from tests.model.writes import Application, Insert, Transaction
from tests.scenarios import exact
from tests.scenarios.exact import Cell

# Up to which statement of a command writes are tried; those whose moment does not come follow the command.
STATEMENTS = {"migrate": 500, "drain": 450, "cutover": 200}


@st.composite
def schedules(draw: st.DrawFn, tables: tuple[Table, ...]) -> dict[str, list[Moment]]:
    """What the application does during each command."""
    transactions = generate.transactions(tables)
    return {
        command: draw(st.lists(st.builds(Moment, st.integers(0, last), transactions), max_size=6))
        for command, last in STATEMENTS.items()
    }


@pytest.mark.timeout(0)  # ten thousand examples take hours
@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@settings(settings.get_profile("migrations"))
@given(data=st.data())
def test_the_new_database_is_what_the_model_says(journal_mode: str, data: st.DataObject) -> None:
    tables = data.draw(generate.old_schemas(), "old schema")
    change = data.draw(generate.changes(tables), "change")
    first = data.draw(generate.first_rows(tables), "first rows")
    schedule = data.draw(schedules(tables), "writes")
    chunk_rows = data.draw(st.sampled_from([2, 5, 1000]), "rows in a chunk")
    note(render_module(change))
    with tempfile.TemporaryDirectory() as directory:
        assert migrate(Driver(Path(directory), chunk_rows), change, first, schedule, journal_mode) == []


def migrate(
    driver: Driver, change: Change, first: list[Transaction], schedule: dict[str, list[Moment]], journal_mode: str
) -> list[str]:
    """Runs one migration; returns how the new database differs from what the model expects."""
    create(driver.old, change.old, journal_mode)
    driver.write_module(render_module(change))
    application = Application(driver.old)
    try:
        for transaction in first:
            application.run(transaction)
        for command, run in (("migrate", driver.migrate), ("drain", driver.drain), ("cutover", driver.cutover)):
            moments = Moments(application, schedule[command])
            run(moments)
            # After drain and cutover they meet the fence: what the old file accepts, the new one must have.
            moments.finish()
    finally:
        application.close()
    return differences(driver, change)


def differences(driver: Driver, change: Change) -> list[str]:
    old = exact.contents_of(driver.old, {table.name: table.read for table in change.old})
    rows: dict[str, list[dict[str, Cell]]] = {
        table.name: [dict(zip(table.read, row, strict=True)) for row in old[table.name].elements()]
        for table in change.old
    }
    return compare(change, expected(change, rows), exact.contents_of(driver.new, read_of(change)))


def test_writes_fall_between_the_statements_of_every_command(tmp_path: Path) -> None:
    """Without this, a change of how hotmig opens its connections would make the property test say nothing."""
    table = Table("t", (Column("id", "INTEGER"), Column("v", "")), "integer", ("id",))
    change = Change((table,), (NewTable(replace(table, name="u"), "t", (Carried("id"), Carried("v"))),), ())
    driver = Driver(tmp_path)
    create(driver.old, change.old, "wal")
    driver.write_module(render_module(change))
    application = Application(driver.old)
    fates = []
    for number, run in enumerate((driver.migrate, driver.drain, driver.cutover)):
        insert = Transaction((Insert(table, "", (number, None)),))
        moments = Moments(application, [Moment(20, insert)])
        run(moments)
        assert moments.waiting == []
        assert moments.statement > 20
        fates += moments.fates
    application.close()
    assert fates == ["accepted", "accepted", "refused"]
    assert differences(driver, change) == []
