"""Options of the whole suite."""

from __future__ import annotations

import os
import signal
from collections import Counter
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = 30
PROBE_TABLES = 1_200
RANDOM_KILLS = 6


def _compile_once(config: pytest.Config) -> None:
    """Child processes, thousands of them, compile this tree once, and leave no trace in it."""
    compiled = TemporaryDirectory(prefix="hotmig-pycache-")
    config.add_cleanup(compiled.cleanup)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = compiled.name


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--examples", type=int, default=EXAMPLES, help="how many random migrations the model is compared with, per mode"
    )
    parser.addoption(
        "--probe-tables", type=int, default=PROBE_TABLES, help="how many random tables capture is tried on"
    )
    parser.addoption("--all-crash-points", action="store_true", help="kill at every point, not once for each kind")
    parser.addoption("--random-kills", type=int, default=RANDOM_KILLS, help="how many kills at random moments")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was survived, counted: the numbers of runbook/reliability.md."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        counts.update({name: value for name, value in report.user_properties if isinstance(value, int)})
    for what, count in sorted(counts.items()):
        terminalreporter.write_line(f"{what}: {count}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _compile_once(config)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            # In the background of a shell, or behind nohup: every command that is to be stopped would inherit it.
            signal.signal(number, handler)
    if config.getoption("--all-crash-points"):
        from tests.crash.sequences import number_of_points

        number_of_points()  # before the workers are started, which inherit it
    # How long it takes to draw says nothing of what is tested, and on a busy machine everything takes long.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    # A profile, because the number has to be known when the tests are decorated.
    settings.register_profile(
        "migrations",
        max_examples=config.getoption("--examples"),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
