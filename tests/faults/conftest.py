"""Directories at each stage of a migration, to be broken, and disks to break them with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks import NO_DISK, Disk, disk
from tests.faults.harness import Stages, counted


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What the test met, for the summary."""
    counted.clear()
    yield
    item.user_properties.extend(counted.items())


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(tmp_path_factory.mktemp("stages"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path / "disk") as mounted:
        if mounted is None:
            pytest.skip(NO_DISK)
        yield mounted
