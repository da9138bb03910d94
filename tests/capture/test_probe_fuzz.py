"""Whatever a statement does to a row, its key is logged, and capture changes nothing for the application.

``--probe-tables 50000`` looks longer. A failure prints its seed and a script that repeats it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hotmig.capture import probes, triggers
from hotmig.capture.probes import UniqueIndex
from hotmig.catalog.model import Table
from hotmig.sqlite import quote
from tests.capture.fuzz import MissError, check_table

BATCHES = 8
ENOUGH = 2_000  # tables in which every gap below shows, several times over

Replacement = Callable[..., object]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_changed_row_is_logged(batch: int, request: pytest.FixtureRequest) -> None:
    tables = request.config.getoption("--probe-tables")
    changing = sum(check_table(seed) for seed in range(batch, tables, BATCHES))
    assert changing > tables // BATCHES  # the statements do something


def _bare_row(table: Table, index: UniqueIndex) -> str:
    """NEW's bare values, without the affinities of the table."""
    columns = probes._reached_columns(table, index)
    return "(SELECT " + ", ".join(f"NEW.{quote(each.name)} AS {quote(each.name)}" for each in columns) + ")"


@pytest.mark.parametrize(
    ("module", "name", "replacement", "known"),
    [
        pytest.param(triggers, "probe_statements", lambda *_: (), 3, id="no probes"),
        pytest.param(probes, "_unknown", lambda *_: (), 46, id="no whole-table mark"),
        pytest.param(probes, "_value", lambda _, name: f"NEW.{quote(name)}", 157, id="no defaults"),
        pytest.param(probes, "_made_up_row", _bare_row, 691, id="no affinities"),
        pytest.param(probes, "_equal_is_same", lambda *_: True, 605, id="no probe of the key itself"),
    ],
)
def test_a_gap_in_the_probes_is_found(
    module: object, name: str, replacement: Replacement, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table in which it was seen last is tried first; once tables are drawn otherwise, any other will do."""
    check_table(known)
    monkeypatch.setattr(module, name, replacement)
    with pytest.raises(MissError):
        _check_tables(known, *range(ENOUGH))


def _check_tables(*seeds: int) -> None:
    for seed in seeds:
        check_table(seed)
