"""A state machine over commands, writes, deaths, clocks and mistakes: the promises hold after each of them.

pytest tests/model/test_operations.py --examples 5000
"""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import EXAMPLES
from tests.model.operations import Operations
from tests.model.operations_broken import BROKEN
from tests.model.operations_child import Commands

STEPS = 8  # most of them of several commands, with writes in between
AT_MOST = 60  # sequences until what is broken must have been found


@pytest.mark.timeout(0)
@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_nothing_is_lost_whatever_happens(journal_mode: str) -> None:
    migrations = settings.get_profile("migrations")
    profile = settings(migrations, max_examples=max(1, migrations.max_examples // 10), stateful_step_count=STEPS)
    with Commands() as commands:
        run_state_machine_as_test(partial(Operations, journal_mode, commands), settings=profile)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One of the ways to break it; all of them where more was asked for than CI asks for."""
    if "broken" in metafunc.fixturenames:
        thorough = metafunc.config.getoption("--examples") > EXAMPLES
        metafunc.parametrize("broken", list(BROKEN)[: None if thorough else 1])


@pytest.mark.timeout(0)
def test_what_is_broken_is_found(broken: str) -> None:
    """The same sequences every time, and the failure is not made smaller."""
    migrations = settings.get_profile("migrations")
    profile = settings(
        migrations, max_examples=AT_MOST, stateful_step_count=STEPS, phases=[Phase.generate], database=None,
        derandomize=True, report_multiple_bugs=False, print_blob=False,
    )  # fmt: skip
    with Commands(broken) as commands, pytest.raises(AssertionError):
        run_state_machine_as_test(partial(Operations, "wal", commands), settings=profile)
