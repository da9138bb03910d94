"""A second directory that has the same old database: the migration is that of the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.phases.files import OLD
from tests.phases.shops import MODULE, Shop, open_shop


@pytest.fixture
def here(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "here")


@pytest.fixture
def second(tmp_path: Path, here: Shop) -> Shop:
    """Its link leads to the application's file, as after ``hotmig init`` of it in two directories."""
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / OLD).symlink_to(here.old)
    (tmp_path / "second" / "schema.py").write_text(MODULE)
    return Shop(tmp_path / "second")


@pytest.mark.parametrize("command", ["migrate", "drain", "drain --cutover", "cutover", "reset"])
def test_while_it_is_under_way_nothing_is_done_there(here: Shop, second: Shop, command: str) -> None:
    here.run("migrate")
    before = here.objects()
    refused = second.run(command, code=3)
    assert f"{OLD} is being migrated in {here.directory}, which has the same file" in refused.stderr
    assert f"go on there: -d {here.directory}" in refused.stderr
    assert here.objects() == before
    assert [path.name for path in second.directory.glob("shop-*")] == [OLD]


@pytest.mark.parametrize("then", ["", "drain", "drain --cutover", "drain --cutover; cleanup-old"])
def test_status_there_says_where_to_go_on_and_names_no_command(here: Shop, second: Shop, then: str) -> None:
    here.run("migrate")
    for command in filter(None, then.split("; ")):
        here.run(command)
    found = second.json("status")
    done = "was" if "cutover" in then else "is being"
    told = f"{OLD} {done} migrated in {here.directory}, which has the same file: go on there, -d {here.directory}"
    assert told in found["attention"]
    assert [each for each in found["attention"] if "not there" in each or "no command" in each] == []
    assert found["next"] is None
    second.run("status --check", code=1)


@pytest.mark.parametrize("cleaned", [False, True], ids=["retired", "cleaned before"])
@pytest.mark.parametrize("options", ["", "--unfence", "--delete", "--delete --unfence", "--unfence --dry-run"])
def test_what_was_replaced_is_not_opened_there_while_its_successor_is_in_service(
    here: Shop, second: Shop, options: str, cleaned: bool
) -> None:
    here.run("migrate")
    here.run("drain --cutover")
    if cleaned:
        here.run("cleanup-old")
        assert second.json("status")["next"] is None
    before = here.objects()
    refused = second.run(f"cleanup-old {options}", code=3)
    assert f"{OLD} was replaced by {here.new}" in refused.stderr
    assert f"clean up there: -d {here.directory}" in refused.stderr
    assert here.objects() == before
    # Where that is gone nobody knows better than who is asked.
    os.rename(here.new, here.new.with_name("away"))
    second.run("cleanup-old --unfence")
    here.write("INSERT INTO item(name) VALUES ('x')")
