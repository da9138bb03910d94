"""Triggers that want to see replayed rows."""

from __future__ import annotations

from tests.planning.checks.building import T, t
from tests.planning.planned import planned


def test_on_replay_triggers_write_to_tables_without_old_rows() -> None:
    old = T.format("TEXT")
    audit = "@table\nclass Audit:\n    what: str | None\n"
    body = 'trigger("CREATE TRIGGER g AFTER INSERT ON t BEGIN {} END", on_replay=True)'
    fine = t("x: str | None") + audit + body.format("INSERT INTO audit VALUES (NEW.x);")
    assert planned(old, fine).objections == ()
    wrong = t("x: str | None") + audit + body.format("UPDATE OR IGNORE t SET x = 1; DELETE FROM audit;")
    message = (
        "trigger g has on_replay=True and writes to t, which has rows of the old database:"
        " such a trigger may write only to tables that have none"
    )
    assert planned(old, wrong).of("replay-trigger") == [("block", message, None)]
