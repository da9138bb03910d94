"""Seed rows that win over old rows."""

from __future__ import annotations

from tests.planning.checks.building import T, t
from tests.planning.planned import HEADER, planned


def test_a_seed_row_that_wins_over_an_old_row_is_noted() -> None:
    old = f"{T.format('TEXT')}; INSERT INTO t VALUES (1, 'a'), (2, 'b')"
    found = planned(old, t("x: str | None", more="\n") + "rows = [T(id=1, x='a'), T(id=2, x='c'), T(id=3, x='d')]\n")
    place = f"{found.context.schema.file}:{len(HEADER.splitlines()) + 6}"
    message = f"the seed row id 2 of t wins over the old row's values ({place})"
    assert found.of("seed") == [("note", message, None)]
