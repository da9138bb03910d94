"""Rows that become one, and the command dies at each kind of step that makes them: before it, and after it."""

from __future__ import annotations

import pytest

from tests.crash.harness import Death, survive
from tests.crash.sequences import BEGUN, FEW
from tests.crash.test_points import MOMENTS, SURVIVED

# remark is the first step, topic the second, fact the third.
KINDS = (
    ("migrate", (), "CREATE TABLE main._migration_grouped"),
    ("migrate", (), "CREATE TABLE main._migration_fate_3"),
    ("migrate", (BEGUN,), "INSERT OR REPLACE INTO main._migration_member_2"),
    ("migrate", (BEGUN,), "COMMIT behind INSERT OR REPLACE INTO main._migration_member_1"),
    ("migrate", (BEGUN,), "CREATE INDEX IF NOT EXISTS main._migration_member_2_groups"),
    ("migrate", (BEGUN,), "COMMIT behind UPDATE main._migration_grouped SET state = 'built'"),
    ("migrate", (), "os.replace"),  # the report
    ("drain --cutover", ("migrate",), "INSERT OR IGNORE INTO main._migration_pending_3"),
    ("drain --cutover", ("migrate",), "UPDATE main._migration_created_2 SET _migration_planted = 1"),
    ("drain --cutover", ("migrate",), "DELETE FROM main._migration_pending_2"),
    ("drain --cutover", ("migrate",), "COMMIT behind UPDATE main._migration_progress"),
    ("drain --cutover", ("migrate",), "os.replace"),
    ("drain --cutover", ("migrate",), "DROP TABLE _migration_fate_2"),
)
REACHED = "the point was never reached"
HANDED_ON = ("CREATE TABLE _migration_status", "os.link")


def named(value: object) -> str:
    text = value if isinstance(value, str) else " begun" if value == (BEGUN,) else ""
    return text.replace("_migration_", "")


@pytest.mark.parametrize(("command", "before", "at"), KINDS, ids=named)
def test_no_row_is_lost_that_became_one(command: str, before, at: str, tmp_path, record_property) -> None:
    """In turn before and after it; ``--all-crash-points`` dies at every statement on either side."""
    after = bool([kind[2] for kind in KINDS].index(at) % 2)
    mode = "delete" if after else "wal"
    assert survive(tmp_path, "merged", mode, Death(command, at, after), before, rows=FEW), REACHED
    record_property(SURVIVED, 1)


@MOMENTS
@pytest.mark.parametrize("at", HANDED_ON, ids=named)
def test_no_row_is_lost_that_the_plan_found(at: str, after: bool, tmp_path, record_property) -> None:
    """What the plan found is handed on to the new file, which nobody does to whom a write came in between."""
    mode = "wal" if after else "delete"
    assert survive(tmp_path, "merged", mode, Death("migrate", at, after), still=True, rows=FEW), REACHED
    record_property(SURVIVED, 1)
