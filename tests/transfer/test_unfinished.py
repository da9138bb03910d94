"""The new file before it has its name: no database to anybody, and what becomes of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hotmig import project
from hotmig.transfer.build import FileSettings
from hotmig.transfer.unfinished import discard, unfinished


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "shop-0123456789abcdef.sqlite"


def make(new: Path, contents: bytes = b"new") -> None:
    settings = FileSettings(0o640, os.geteuid(), os.getegid(), 4096, "UTF-8", 0)
    with unfinished(new, settings) as path:
        assert not new.exists() or contents == b""
        assert path.stat().st_mode & 0o777 == 0o640
        path.write_bytes(contents)


def listing(new: Path) -> list[str]:
    return sorted(path.name for path in new.parent.iterdir())


def test_it_gets_its_name_at_the_end(new: Path) -> None:
    make(new)
    assert (listing(new), new.read_bytes(), new.stat().st_nlink) == ([new.name], b"new", 1)


def test_it_looks_like_no_database_before(new: Path) -> None:
    path, *others = project.unfinished_files(new)
    path.touch()
    assert (project.candidates(new.parent, "shop"), project.strangers(new.parent, "shop")) == ((), ())
    assert {path, *others} <= set(project.side_files(new))


def test_an_error_leaves_nothing(new: Path) -> None:
    with pytest.raises(TypeError):
        make(new, contents=None)  # type: ignore[arg-type]
    assert listing(new) == []


def test_what_a_killed_run_left_is_no_part_of_the_next(new: Path) -> None:
    """A journal beside it would be rolled back into the new file."""
    for path in project.unfinished_files(new):
        path.write_bytes(b"left")
    make(new)
    assert (listing(new), new.read_bytes()) == ([new.name], b"new")


def test_a_file_of_its_name_is_never_replaced(new: Path) -> None:
    new.write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        make(new, b"")
    assert (listing(new), new.read_bytes()) == ([new.name], b"somebody's")


def test_a_file_system_without_hard_links_has_it_renamed(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    make(new)
    assert (listing(new), new.read_bytes()) == ([new.name], b"new")
    with pytest.raises(PermissionError):
        make(new, b"")
    assert new.read_bytes() == b"new"


def test_of_a_file_with_both_names_the_other_one_goes(new: Path) -> None:
    new.write_bytes(b"new")
    os.link(new, project.unfinished_files(new)[0])
    discard(new)
    assert (listing(new), new.read_bytes()) == ([new.name], b"new")
