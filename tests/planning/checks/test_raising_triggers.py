"""Triggers of the application that could hide a write from recording."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import T, t
from tests.planning.planned import Planned, planned


@pytest.mark.parametrize(
    ("head", "raised"),
    [
        ("AFTER INSERT ON t", "IGNORE"),
        ("AFTER UPDATE ON t", "FAIL"),
    ],
)
def test_after_triggers_that_could_hide_a_write(head: str, raised: str) -> None:
    message = (
        f"trigger g of t is an AFTER trigger with RAISE({raised}), which could hide a write from recording:"
        " make it a BEFORE trigger, or RAISE(ABORT)"
    )
    assert trigger(head, f"raise ( {raised.lower()}{message_of(raised)})").of("raising-trigger") == [
        ("block", message, None)
    ]


@pytest.mark.parametrize(
    ("head", "raised"),
    [
        ("BEFORE INSERT ON t", "RAISE(IGNORE)"),
        ("INSERT ON t", "RAISE(IGNORE)"),
        ("AFTER INSERT ON t", "RAISE(ABORT, 'no')"),
        ("AFTER INSERT ON t", "'RAISE(IGNORE)' /* RAISE(IGNORE) */"),
    ],
)
def test_other_triggers_hide_nothing(head: str, raised: str) -> None:
    assert trigger(head, raised).objections == ()


def test_a_trigger_called_after_is_none() -> None:
    assert trigger("BEFORE INSERT ON t", "RAISE(IGNORE)", name='"after"').objections == ()


def trigger(head: str, raised: str, name: str = "g") -> Planned:
    body = f"CREATE TRIGGER {name} {head} BEGIN SELECT CASE WHEN NEW.x THEN {raised} END; END"
    return planned(f"{T.format('TEXT')};; {body}", t("x: str | None"))


def message_of(raised: str) -> str:
    return ", 'no'" if raised == "FAIL" else ""
