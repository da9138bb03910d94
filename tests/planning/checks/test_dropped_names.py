"""Lines that give up what the old database doesn't have."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import CLIENT, TWO, client
from tests.planning.planned import planned

OLD = f"{CLIENT}; {TWO}; CREATE VIRTUAL TABLE words USING fts5(word); CREATE TABLE log(what TEXT)"
GIVEN_UP = 'dropped("client", "nickname"); dropped("words"); dropped("log")'


def test_what_is_there_is_not_mentioned() -> None:
    assert planned(OLD, client() + GIVEN_UP.upper().replace("DROPPED", "dropped")).findings == ()


@pytest.mark.parametrize("line", ['dropped("pya")', 'dropped("client", "nickame")', 'dropped("customer", "name")'])
def test_what_is_not_there_is_noted(line: str) -> None:
    found = planned(OLD, client() + f"{GIVEN_UP}; {line}")
    message = f"{line} names nothing in the old database: a spelling mistake, or given up by an earlier migration"
    assert [(each.check, each.severity, each.message) for each in found.findings] == [("dropped", "note", message)]
