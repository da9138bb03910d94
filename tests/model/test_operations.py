"""A state machine over commands, writes, deaths, clocks and mistakes: the promises hold after each of them.

pytest tests/model/test_operations.py --examples 5000
"""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.operations import Operations
from tests.model.operations_child import Commands

STEPS = 8  # most of them of several commands, with writes in between


@pytest.mark.timeout(0)
@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_nothing_is_lost_whatever_happens(journal_mode: str) -> None:
    migrations = settings.get_profile("migrations")
    profile = settings(migrations, max_examples=max(1, migrations.max_examples // 10), stateful_step_count=STEPS)
    with Commands() as commands:
        run_state_machine_as_test(partial(Operations, journal_mode, commands), settings=profile)
