"""Where things are: names say which schema a database has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hotmig import project
from hotmig.errors import HotmigError

HASH = "0123456789abcdef"

# A machine may have python3 and nothing else; hotmig works without git, and so do the other tests.
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def touch(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).touch()


def git(directory: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", directory, *settings, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "schema.py").write_text("")
    (tmp_path / "other.py").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_the_target_is_named_after_the_schema(tmp_path: Path) -> None:
    assert project.target(tmp_path, "shop", HASH) == tmp_path / f"shop-{HASH}.sqlite"


@pytest.mark.parametrize("name", ["", "a/b", "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(HotmigError, match="names files"):
        project.target(tmp_path, name, HASH)


@pytest.mark.parametrize("name", ["shop", "my-shop", "my shop", "0123456789abcdef-x", "ladenöffner", "a\nb"])
def test_split_undoes_target(tmp_path: Path, name: str) -> None:
    assert project.split(project.target(tmp_path, name, HASH)) == (name, HASH)


@pytest.mark.parametrize(
    "file",
    ["shop.sqlite", f"shop-{HASH}.db", f"shop-{HASH[1:]}.sqlite", f"shop-{HASH.upper()}.sqlite", f"-{HASH}.sqlite"],
)
def test_other_names_do_not_follow_the_naming(file: str) -> None:
    assert project.split(Path(file)) is None


def test_candidates_are_the_files_of_that_name_only(tmp_path: Path) -> None:
    mine, mine_too, other = f"shop-{HASH}.sqlite", f"shop-{HASH[::-1]}.sqlite", f"my-shop-{HASH}.sqlite"
    touch(tmp_path, mine, mine_too, other, f"{mine}-wal", "app.db", "notes.txt")
    assert {path.name for path in project.candidates(tmp_path, "shop")} == {mine, mine_too}
    assert {path.name for path in project.strangers(tmp_path, "shop")} == {other, "app.db"}
    assert project.names(tmp_path) == ("my-shop", "shop")


def test_a_directory_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(HotmigError, match=r"cannot list .*/absent"):
        project.candidates(tmp_path / "absent", "shop")


def test_the_default_name_does_not_depend_on_how_the_directory_was_reached(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "shop")
    assert project.default_name(tmp_path / "current") == project.default_name(tmp_path / "shop") == "shop"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('database = "shop"', "shop"),
        ("database='my shop'  # since 2024", "my shop"),
        ('database: str = "shop"', "shop"),
        ('    database = "inside"', None),
        ('other_database = "shop"', None),
        ("", None),
    ],
)
def test_the_name_is_read_without_running_the_module(tmp_path: Path, line: str, name: str | None) -> None:
    file = tmp_path / "schema.py"
    file.write_text(f"import nothing_of_that_name\n{line}\nclass Broken(\n")
    assert project.name_in_module(file) == name


def test_without_a_module_there_is_no_name(tmp_path: Path) -> None:
    assert project.name_in_module(tmp_path / "schema.py") is None


def test_side_files_lie_beside_the_file_and_not_beside_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "app.db").touch()
    link = tmp_path / f"shop-{HASH}.sqlite"
    link.symlink_to(tmp_path / "data" / "app.db")
    names = ("app.db-wal", "app.db-shm", "app.db-journal", "app.db-reserve")
    unfinished = tuple(f"app.db-unfinished{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))
    assert project.side_files(link) == tuple(tmp_path / "data" / name for name in (*names, *unfinished))
    assert project.unfinished_files(link) == tuple(tmp_path / "data" / name for name in unfinished)


@needs_git
def test_the_commit_is_the_short_hash_of_head(repository: Path) -> None:
    assert project.commit_of(repository / "schema.py") == git(repository, "rev-parse", "--short", "HEAD")


@needs_git
def test_a_dirty_tree_is_told_by_a_plus(repository: Path) -> None:
    head = git(repository, "rev-parse", "--short", "HEAD")
    (repository / "other.py").write_text("changed = 1\n")
    assert project.commit_of(repository / "schema.py") == f"{head}+"


@needs_git
def test_untracked_files_are_not_dirt_but_an_untracked_module_is(repository: Path) -> None:
    head = git(repository, "rev-parse", "--short", "HEAD")
    (repository / "shop.sqlite").touch()
    (repository / "new.py").touch()
    assert project.commit_of(repository / "schema.py") == head
    assert project.commit_of(repository / "new.py") == f"{head}+"


@needs_git
def test_the_commit_is_that_of_the_module_and_not_of_a_git_hook(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("elsewhere")))
    assert project.commit_of(repository / "schema.py") is not None


@needs_git
def test_there_is_no_commit_without_a_repository_a_commit_or_git(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = tmp_path_factory.mktemp("plain")
    assert project.commit_of(plain / "schema.py") is None
    git(plain, "init", "--quiet")
    assert project.commit_of(plain / "schema.py") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert project.commit_of(repository / "schema.py") is None


@needs_git
def test_asking_for_the_commit_changes_nothing_in_the_repository(repository: Path) -> None:
    index = repository / ".git" / "index"
    (repository / "other.py").touch()
    before = index.stat()
    project.commit_of(repository / "schema.py")
    assert (index.stat().st_mtime_ns, index.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
