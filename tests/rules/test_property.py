"""Random duplicates, ranks, aliases and writes against the plain model: copied, replayed, proved, in any order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotmig.errors import Refused
from hotmig.transfer import ranges
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.rules.model import Rules
from tests.rules.property import Random

MIGRATIONS = 40


@pytest.fixture(autouse=True)
def writing(monkeypatch: pytest.MonkeyPatch) -> list[Random]:
    """Chunks of a few rows, and between them the writes of the migration in the list."""
    now: list[Random] = []

    def write(_session: Session, _worked: float = 0.0) -> None:
        for migration in now:
            migration.writes()

    monkeypatch.setattr(ranges, "LARGEST_ROWS", 3)
    monkeypatch.setattr(ranges.ChunkSize, "for_session", classmethod(lambda cls, _session: cls(1.0, 2, 1)))
    monkeypatch.setattr(Session, "let_writers_in", write)
    return now


def rules() -> st.SearchStrategy[Rules]:
    every = st.builds(
        Rules,
        st.sampled_from(("plain", "merge", "create", "create", "drop", "keep")),
        st.sampled_from(("plain", "drop", "collide", "keep")),
        st.sampled_from(("integer", "text", "nocase", "new", "pair", "pair")),
        st.booleans(),
        st.sampled_from(("exact", "number", "text")),
        st.booleans(),
    )
    return every.filter(lambda each: each.parent != "create" or each.key in ("integer", "text", "pair"))


@settings(max_examples=MIGRATIONS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=rules(), seed=st.integers(0, 2**32))
def test_the_new_database_is_what_the_model_says(writing: list[Random], chosen: Rules, seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        migration = Random(Path(directory), chosen, seed)
        with migration.case.session() as session:
            _copied(migration, session, writing)
            _replayed(migration, session)
        for _ in range(3):
            with migration.case.session() as session:
                _rounds(migration, session, writing)
        with migration.case.session() as session:
            _replayed(migration, session)
            prove(session, lambda *_: None)
            assert migration.found() == migration.expected()
        migration.case.app.close()


def _copied(migration: Random, session: Session, writing: list[Random]) -> None:
    """A copy that is stopped by a collision goes on once those rows are gone."""
    writing[:] = [migration]
    try:
        migration.copy(session)
        return
    except Refused as refused:
        told = str(refused)
    finally:
        writing.clear()
    assert any(words in told for words in ("collide", "claim", "canonical row does not exist"))
    migration.mend()
    migration.copy(session)


def _rounds(migration: Random, session: Session, writing: list[Random]) -> None:
    for _ in range(migration.random.randrange(3)):
        migration.writes()
        if migration.random.random() < 0.4:
            writing[:] = [migration]
            prove(session, lambda *_: None)
            writing.clear()
        else:
            _replayed(migration, session)
            assert migration.found() == migration.expected()


def _replayed(migration: Random, session: Session) -> None:
    """Refused if and only if the model sees a collision."""
    if migration.collision():
        with pytest.raises(Refused):
            replay(session)
        migration.mend()
    replay(session)
