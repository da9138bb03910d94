"""How a run tells the ledger of the report that it writes."""

from __future__ import annotations

from hotmig.phases.reports import _told


def test_one_row_of_a_kind_is_one() -> None:
    found = {
        "projects": {"merged": 2, "created": 1, "carried": 0},
        "project_state": {"merged": 3, "historical_drops": 1, "collisions": 1, "losers_kept": 1},
        "memories": {"historical_drops": 2, "losers_kept": 2},
    }
    assert _told(found) == (  # type: ignore[arg-type]
        "projects: 2 merged, 1 created; project_state: 3 merged, 1 historical drop, 1 collision, 1 loser kept;"
        " memories: 2 historical drops, 2 losers kept"
    )
    assert _told({"projects": {}}) == "no rows"
