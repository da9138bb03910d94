"""Which file is the old database, and where the new one goes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotmig.errors import HotmigError, Refused, SchemaError
from hotmig.phases.locate import locate
from tests.phases.conftest import MODULE
from tests.phases.files import (
    NEW,
    OLD,
    THIRD,
    cleaned_database,
    database,
    new_database,
    old_database,
    ready_database,
)


def test_the_live_database_is_the_old_one_and_the_new_one_is_named_by_the_hash(shop: Path) -> None:
    old = old_database(shop / OLD)
    location = locate(shop)
    assert (location.directory, location.schema_file, location.name) == (shop, shop / "schema.py", "shop")
    assert (location.old, location.marker, location.nothing_to_do) == (old, None, False)
    assert re.fullmatch(r"shop-[0-9a-f]{16}\.sqlite", location.new.name)
    assert location.schema is not None
    assert location.new.name == f"shop-{location.schema.hash}.sqlite"


def test_without_a_name_in_the_module_the_directory_gives_it(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    directory.mkdir()
    (directory / "schema.py").write_text(MODULE.replace('database = "shop"', ""))
    old = old_database(directory / "store-0000000000000000.sqlite")
    assert locate(directory).old == old


def test_code_and_data_may_live_apart(shop: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    old = old_database(data / OLD)
    location = locate(data, shop / "schema.py")
    assert (location.old, location.new.parent, location.schema_file) == (old, data, shop / "schema.py")


def test_a_live_database_that_has_the_schema_is_old_and_new_in_one(shop: Path, target: Path) -> None:
    ready_database(target, parent=None)
    location = locate(shop)
    assert (location.old, location.new, location.nothing_to_do) == (target, target, True)


def test_an_adopted_database_keeps_the_name_of_its_link(shop: Path, tmp_path: Path, target: Path) -> None:
    database(tmp_path / "app.db").close()
    target.symlink_to(tmp_path / "app.db")
    assert locate(shop).old == target


def test_retired_files_are_no_candidates(shop: Path) -> None:
    cleaned = cleaned_database(shop / OLD, successor=NEW)
    marked = old_database(shop / NEW, "retired", target=THIRD, made_by_hotmig=True, parent=OLD)
    live = ready_database(shop / THIRD, parent=NEW)
    location = locate(shop)
    assert (location.old, location.retired) == (live, (cleaned, marked))


def test_ancestors_of_a_ready_database_are_no_candidates_however_far_back(shop: Path) -> None:
    old_database(shop / OLD)
    old_database(shop / NEW, made_by_hotmig=True, parent=OLD)
    live = ready_database(shop / THIRD, parent=NEW)
    assert locate(shop).old == live


def test_a_return_to_an_earlier_name_makes_no_file_its_own_ancestor(shop: Path) -> None:
    old_database(shop / NEW, "retired", target=OLD, made_by_hotmig=True, parent=OLD)
    live = ready_database(shop / OLD, parent=NEW)
    assert locate(shop).old == live


def test_what_is_being_built_is_no_candidate(shop: Path, target: Path) -> None:
    old = old_database(shop / OLD, "recording", target=target.name)
    new_database(target)
    location = locate(shop)
    assert (location.old, location.new, location.building) == (old, target, target)
    assert location.marker is not None


def test_the_file_being_built_is_told_apart_from_the_one_the_module_asks_for_by_now(shop: Path, target: Path) -> None:
    old_database(shop / OLD, "recording", target=NEW)
    new_database(shop / NEW)
    location = locate(shop)
    assert (location.building, location.new) == (shop / NEW, target)


def test_after_half_a_cutover_the_retired_database_is_the_old_one(shop: Path, target: Path) -> None:
    old = old_database(shop / OLD, "retired", target=target.name)
    new_database(target)
    location = locate(shop)
    assert (location.old, location.new) == (old, target)


def test_no_database_at_all(shop: Path) -> None:
    with pytest.raises(
        HotmigError, match=r"there is no database shop-<16 hex digits>\.sqlite in .*release-42"
    ) as error:
        locate(shop)
    assert "hotmig init" in (error.value.hint or "")


def test_files_that_do_not_follow_the_naming_are_named(shop: Path) -> None:
    database(shop / "app.db").close()
    database(shop / "shop.sqlite").close()
    with pytest.raises(HotmigError, match=r"no file in .* follows the naming .*: app\.db, shop\.sqlite") as error:
        locate(shop)
    assert "hotmig init app.db" in (error.value.hint or "")


def test_files_under_another_name_ask_for_that_name(shop: Path) -> None:
    old_database(shop / "store-0000000000000000.sqlite")
    with pytest.raises(HotmigError, match=r"follows the naming .*: store-0000000000000000\.sqlite") as error:
        locate(shop)
    assert 'database = "store"' in (error.value.hint or "")


def test_more_than_one_live_database_is_refused(shop: Path) -> None:
    old_database(shop / OLD)
    old_database(shop / THIRD)
    with pytest.raises(Refused, match=f"more than one .*: {OLD}, {THIRD}"):
        locate(shop)


def test_a_ready_file_of_another_line_in_the_place_of_the_new_one_is_refused(shop: Path, target: Path) -> None:
    old_database(shop / OLD)
    ready_database(target, parent="elsewhere")
    with pytest.raises(Refused, match=target.name):
        locate(shop)


def test_when_nothing_is_live_each_file_is_told_with_its_reason(shop: Path) -> None:
    cleaned_database(shop / OLD)
    new_database(shop / THIRD)
    with pytest.raises(HotmigError, match=f"{OLD} was replaced by {NEW}; {THIRD} is being built"):
        locate(shop)


@pytest.mark.parametrize("state", ["cleaned", "retired", "ancestor"])
def test_a_target_that_an_archive_has_taken_is_refused_by_name(shop: Path, target: Path, state: str) -> None:
    if state == "cleaned":
        cleaned_database(target, successor=NEW)
    else:
        old_database(target, "retired" if state == "retired" else None, target=NEW)
    ready_database(shop / NEW, parent=target.name)
    with pytest.raises(Refused, match=target.name) as error:
        locate(shop)
    assert f"move {target.name}" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "it is empty"), (b"no database" * 1000, "file is not a database")]
)
def test_a_file_that_is_no_database_is_named(shop: Path, content: bytes, problem: str) -> None:
    old_database(shop / OLD)
    (shop / THIRD).write_bytes(content)
    with pytest.raises(HotmigError, match=f"{THIRD}.*{problem}"):
        locate(shop)


def test_a_link_that_leads_nowhere_is_named(shop: Path, tmp_path: Path) -> None:
    (shop / OLD).symlink_to(tmp_path / "gone.db")
    with pytest.raises(HotmigError, match=rf"{OLD}.* links to .*gone\.db"):
        locate(shop)


def test_the_empty_file_of_a_migrate_that_was_killed_at_once_is_no_error(shop: Path, target: Path) -> None:
    old = old_database(shop / OLD, "recording", target=target.name)
    target.touch()
    assert locate(shop).old == old


@pytest.mark.parametrize("text", [None, "class ("])
def test_the_schema_module_is_needed(shop: Path, text: str | None) -> None:
    old_database(shop / OLD)
    (shop / "schema.py").unlink() if text is None else (shop / "schema.py").write_text(text)
    with pytest.raises(SchemaError, match=r"schema\.py"):
        locate(shop)


@pytest.mark.parametrize("text", ['database = "shop"\nclass (', "raise SystemExit", ""])
def test_commands_that_clean_up_do_without_the_module(shop: Path, text: str) -> None:
    (shop / "schema.py").write_text(text)
    old = old_database(shop / OLD, "recording", target=NEW)
    location = locate(shop, need_schema=False)
    assert (location.old, location.new, location.schema) == (old, shop / NEW, None)


def test_without_the_module_new_is_never_an_archive(shop: Path, target: Path) -> None:
    """reset deletes ``new``: a module that went back to an earlier schema must not point it at the archive."""
    old_database(target, "retired", target=NEW)
    live = ready_database(shop / NEW, parent=target.name)
    location = locate(shop, need_schema=False)
    assert (location.old, location.new, location.retired) == (live, live, (target,))


def test_without_the_module_an_unfinished_file_that_no_marker_names_is_new(shop: Path) -> None:
    old_database(shop / OLD)
    left_over = new_database(shop / THIRD)
    assert locate(shop, need_schema=False).new == left_over


def test_without_the_module_archives_alone_are_no_error(shop: Path) -> None:
    archive = cleaned_database(shop / OLD)
    location = locate(shop, need_schema=False)
    assert (location.old, location.retired) == (None, (archive,))


def test_a_file_that_this_user_may_not_read_is_not_to_be_moved_away(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / OLD).write_bytes(b"no database of ours to open")
    # Root reads every file, and the tests may run as root.
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(HotmigError, match="is named like a database") as caught:
        locate(shop)
    assert caught.value.hint == "this user may not read it: run hotmig as the owner of the file or as root"
