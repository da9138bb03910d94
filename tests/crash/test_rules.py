"""Rows that become one, and the command dies at each kind of step that makes them: before it, and after it."""

from __future__ import annotations

import pytest

from tests.crash.harness import Death, survive
from tests.crash.test_points import MOMENTS, SURVIVED

# remark is the first step, topic the second, fact the third.
KINDS = (
    ("migrate", "CREATE TABLE main._migration_grouped"),
    ("migrate", "CREATE TABLE main._migration_fate_3"),
    ("migrate", "INSERT OR REPLACE INTO main._migration_member_2"),
    ("migrate", "COMMIT behind INSERT OR REPLACE INTO main._migration_member_1"),
    ("migrate", "CREATE INDEX IF NOT EXISTS main._migration_member_2_groups"),
    ("migrate", "COMMIT behind UPDATE main._migration_grouped SET state = 'built'"),
    ("migrate", "UPDATE main._migration_created_2 SET _migration_planted = 1"),
    ("migrate", "os.replace"),  # the report
    ("drain --cutover", "INSERT OR IGNORE INTO main._migration_pending_3"),
    ("drain --cutover", "DELETE FROM main._migration_pending_2"),
    ("drain --cutover", "COMMIT behind UPDATE main._migration_progress"),
    ("drain --cutover", "os.replace"),
    ("drain --cutover", "DROP TABLE _migration_fate_2"),
)


@MOMENTS
@pytest.mark.parametrize(("command", "at"), KINDS, ids=lambda value: value.replace("_migration_", ""))
def test_no_row_is_lost_that_became_one(command: str, at: str, after: bool, tmp_path, record_property) -> None:
    before = () if command == "migrate" else ("migrate",)
    mode = "delete" if after else "wal"
    assert survive(tmp_path, "merged", mode, Death(command, at, after), before), "the point was never reached"
    record_property(SURVIVED, 1)
