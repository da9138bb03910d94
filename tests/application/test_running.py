"""The application as a child process."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from hotmig.application.running import writing
from hotmig.demo.shop import create_shop
from hotmig.errors import HotmigError
from tests.application.test_writer import ask
from tests.scenarios.harness import wait_until


def test_it_writes_until_it_is_stopped(tmp_path: Path) -> None:
    shop = tmp_path / "shop.sqlite"
    made = create_shop(shop, rows=200)
    with writing(shop) as application:
        wait_until(lambda: ask(shop, "SELECT max(id) FROM client") > made["client"], "a new client")
        assert application.stop()["accepted_total"] > 0


def test_one_that_does_not_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(HotmigError, match="did not start"), writing(tmp_path / "nothing.sqlite"):
        pass


def test_one_that_died_is_told(tmp_path: Path) -> None:
    create_shop(tmp_path / "shop.sqlite", rows=200)
    with writing(tmp_path / "shop.sqlite") as application:
        application._process.send_signal(signal.SIGKILL)
        application._process.wait()
        with pytest.raises(HotmigError, match="died"):
            application.stop()
