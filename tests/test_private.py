"""Files and folders for the owner of the databases alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotmig.private import make_private_folder, open_private

IS_ROOT = os.geteuid() == 0


@pytest.fixture(params=[0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def facts(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return oct(stat.st_mode & 0o7777), stat.st_uid, stat.st_gid


def somebodys(tmp_path: Path) -> tuple[Path, int, int]:
    """A directory of another user's where this is root, else our own."""
    directory = tmp_path / "data"
    directory.mkdir()
    if IS_ROOT:
        os.chown(directory, 4321, 5432)
    return directory, directory.stat().st_uid, directory.stat().st_gid


@pytest.mark.usefixtures("umask")
def test_a_folder_and_the_files_in_it_belong_to_whom_the_directory_belongs_to(tmp_path: Path) -> None:
    directory, owner, group = somebodys(tmp_path)
    folder = directory / ".hotmig"
    make_private_folder(folder, directory)
    os.close(open_private(folder / "lock"))
    assert facts(folder) == ("0o700", owner, group)
    assert facts(folder / "lock") == ("0o600", owner, group)


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / ".hotmig"
    folder.mkdir(mode=0o750)
    before = folder.stat()
    make_private_folder(folder, tmp_path)
    assert folder.stat() == before


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".hotmig").touch()
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / ".hotmig", tmp_path)


def test_what_is_in_a_file_stays_and_it_can_be_asked_to_be_new(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_bytes(b"content")
    descriptor = open_private(file)
    assert os.pread(descriptor, 100, 0) == b"content"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
    with pytest.raises(FileExistsError):
        open_private(file, must_be_new=True)


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_a_link_is_not_followed(tmp_path: Path, there: bool) -> None:
    directory, _, _ = somebodys(tmp_path)
    target = tmp_path / "target"
    if there:
        target.write_bytes(b"root's own")
        before = target.stat()
    (directory / "lock").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        open_private(directory / "lock")
    assert target.exists() == there
    if there:
        assert (target.read_bytes(), target.stat().st_uid) == (b"root's own", before.st_uid)


def test_what_has_a_second_name_is_not_touched(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"stays")
    os.link(precious, tmp_path / "lock")
    with pytest.raises(OSError, match="no file of its own"):
        open_private(tmp_path / "lock")
    assert precious.read_bytes() == b"stays"


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(OSError, match="no file of its own"):
        open_private(tmp_path / "lock")


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".hotmig").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / ".hotmig", tmp_path)
