"""Options of the whole suite."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = 150
PROBE_TABLES = 2_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--examples", type=int, default=EXAMPLES, help="how many random migrations the model is compared with, per mode"
    )
    parser.addoption(
        "--probe-tables", type=int, default=PROBE_TABLES, help="how many random tables capture is tried on"
    )


def pytest_configure(config: pytest.Config) -> None:
    # A profile, because the number has to be known when the tests are decorated.
    settings.register_profile(
        "migrations",
        max_examples=config.getoption("--examples"),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
