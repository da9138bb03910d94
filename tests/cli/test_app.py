"""The command line as a whole: help, errors, exit codes, signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import hotmig
from hotmig.cli.app import COMMANDS, cli
from tests.commands import commands, groups
from tests.phases.files import NEW, OLD, new_database, old_database, ready_database
from tests.phases.shops import failure_in, told_behind_the_run
from tests.scenarios.harness import wait_until

# The table that files.py makes.
MODULE = """from typing import Annotated

from hotmig.schema import Key, auto, table

database = "shop"

@table
class Item:
    id: Annotated[int, Key] = auto()
    name: str | None = None
"""
WAITING = "import pathlib\n\n" + MODULE + '\npathlib.Path(__file__).with_name("started").touch()\n'
ERROR = re.compile(r"Error: [^\n]+\n(Hint: [^\n]+\n)?")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def process(*arguments: str | Path, **settings: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hotmig", *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)  # type: ignore[call-overload,no-any-return]


def test_the_commands_of_groups_are_commands_too() -> None:
    assert {name.partition(" ")[0] for name in commands()} == set(COMMANDS)
    assert {"runs list", "runs show", "runs rollback", "runs prune"} < set(commands())
    assert set(groups()) == {"runs", "data"}


@pytest.mark.parametrize("name", [*commands(), *groups()])
def test_every_command_and_every_option_has_a_help_text(name: str) -> None:
    command = {**commands(), **groups()}[name]
    assert command.help
    assert command.help.splitlines()[0].endswith(".")
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("name", commands())
def test_every_command_has_the_common_options(name: str) -> None:
    common = {"--json", "--debug", "--quiet", "-q"}
    if name not in ("demo", "bench"):  # work in a directory of their own
        common |= {"--dir", "-d", "--schema"}
    assert common <= {option for parameter in commands()[name].params for option in parameter.opts}


@pytest.mark.parametrize("name", [*commands(), *groups()])
def test_help_is_a_result(name: str) -> None:
    shown = run(*name.split(), "--help")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert f"Usage: hotmig {name}" in shown.stdout


@pytest.mark.parametrize("group", ["", *groups()])
def test_the_list_of_commands_cuts_no_sentence_short(group: str) -> None:
    listed = run(*group.split(), "--help").stdout.partition("Commands:")[2]
    of_group = groups()[group].commands if group else COMMANDS
    assert all(f"  {name} " in listed for name in of_group)
    assert "..." not in listed


@pytest.mark.parametrize("group", ["", *groups()])
def test_without_a_command_there_is_help(group: str) -> None:
    alone, helped = run(*group.split()), run(*group.split(), "-h")
    assert (alone.exit_code, alone.stdout, alone.stderr) == (0, helped.stdout, "")


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert run("--version").stdout == f"hotmig, version {hotmig.__version__}\n"
    assert hotmig.__version__ == project["version"]


def test_python_m_starts_it() -> None:
    done = subprocess.run([sys.executable, "-m", "hotmig", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"hotmig, version {hotmig.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("stauts",),
        ("status", "--no-such-option"),
        ("status", "surplus"),
        ("status", "--dir", "/no/such/directory"),
        ("path", "--wait", "soon"),
        ("path", "--wait", "-1"),
        ("drain", "--hold", "0"),
    ],
)
def test_usage_errors_exit_2_and_point_to_the_help(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert ERROR.fullmatch(done.stderr)
    assert "--help`" in done.stderr


def test_each_kind_of_error_has_its_exit_code_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(MODULE)
    failed = run("plan", "--dir", tmp_path)
    gave_up = run("path", "--wait", "0", "--dir", tmp_path)
    old_database(tmp_path / OLD)
    ready_database(tmp_path / NEW, parent=None)
    refused = run("plan", "--dir", tmp_path)
    assert [done.exit_code for done in (failed, refused, gave_up)] == [1, 3, 4]
    for done in (failed, refused, gave_up):
        assert done.stdout == ""
        assert ERROR.fullmatch(done.stderr)
        assert "Hint: " in done.stderr


def test_debug_adds_the_traceback(tmp_path: Path) -> None:
    plain, debugged = run("plan", "-d", tmp_path), run("plan", "-d", tmp_path, "--debug")
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debugged.stderr
    assert debugged.stderr.endswith(plain.stderr)
    assert debugged.exit_code == plain.exit_code


def test_a_mistake_in_the_module_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text("x = 1\nclass (\n")
    done = run("plan", "-d", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path}/schema.py:2: ")


def test_json_is_one_object_with_a_format(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(MODULE)
    ready = Path(json.loads(run("status", "--json", "-d", tmp_path).stdout)["new"]["path"])
    ready_database(ready)
    for arguments in (
        ("status",),
        ("path",),
        ("plan",),
        ("migrate",),
        ("drain", "--cutover"),
        ("cutover",),
        ("reset",),
    ):
        done = run(*arguments, "--json", "-d", tmp_path)
        looks = arguments[0] in ("status", "path", "plan")
        assert (done.exit_code, done.stderr if looks else told_behind_the_run(done.stderr)) == (0, "")
        assert json.loads(done.stdout)["format"] == 1


def test_a_deploy_that_changes_no_schema_says_so_and_exits_0(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(MODULE)
    ready_database(Path(json.loads(run("status", "--json", "-d", tmp_path).stdout)["new"]["path"]))
    said = [run(name, "-d", tmp_path) for name in ("migrate", "drain", "cutover")]
    assert [done.exit_code for done in said] == [0, 0, 0]
    assert [done.stdout.splitlines()[0] for done in said] == ["Migrate skipped.", "Drain skipped.", "Cutover skipped."]


def test_a_failed_migrate_leaves_a_recovery_snapshot_on_stderr(tmp_path: Path) -> None:
    from_json = MODULE.replace("Key, auto", "From, Key, auto").replace(
        "str | None", 'Annotated[str | None, From("json(name)")]'
    )
    (tmp_path / "schema.py").write_text(from_json)
    db = sqlite3.connect(old_database(tmp_path / OLD))
    db.execute("INSERT INTO item(name) VALUES ('no JSON')")
    db.commit()
    db.close()
    done = run("migrate", "-d", tmp_path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert failure_in(done.stderr).left == "copying"
    assert "  log                  0 rows, 0 pending\n" in done.stderr


def test_a_migrate_that_is_refused_before_its_first_effect_leaves_none(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(MODULE)
    old_database(tmp_path / OLD, "recording", log=3)
    new_database(tmp_path / NEW, copies={"item": "copying"})
    done = run("migrate", "-d", tmp_path)
    assert (done.exit_code, done.stdout) == (3, "")  # the module asks for another schema than the one under way
    failure = failure_in(done.stderr)
    assert (failure.left, failure.error) == (None, f"Error: another migration is under way, to {NEW}")


def is_writing(process: subprocess.Popen[str], file: Path) -> bool:
    """Whether the process has the file open for writing."""
    for fd in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(fd) == str(file):
                flags = re.search(r"flags:\s*(\d+)", Path(f"/proc/{process.pid}/fdinfo/{fd.name}").read_text())
                if flags and int(flags[1], 8) & os.O_ACCMODE == os.O_RDWR:
                    return True
    return False


def test_a_failure_is_told_although_no_snapshot_can_be_taken(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(MODULE + "    rank: int = 0\n")
    application = sqlite3.connect(old_database(tmp_path / OLD, wal=True), isolation_level=None)
    application.execute("BEGIN IMMEDIATE")
    application.execute("ALTER TABLE item ADD COLUMN surprise")
    migrate = process("migrate", "-d", tmp_path)
    # It has made its plan then, and waits for the lock.
    wait_until(lambda: is_writing(migrate, tmp_path / OLD) or migrate.poll() is not None, "migrate to be planned")
    ready_database(tmp_path / NEW, parent=None)  # now two files could be the live one
    application.execute("COMMIT")
    application.close()
    output, errors = migrate.communicate()
    assert (migrate.returncode, output) == (3, "")
    failure = failure_in(errors)
    assert failure.left is None
    assert failure.error.startswith("Error: the old database changed since it was planned: ")
    assert run("status", "-d", tmp_path).exit_code == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sqlite_that_is_too_old_is_told_in_one_clear_line(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 39, 4))
    monkeypatch.chdir(tmp_path)
    done = run(command)
    assert (done.exit_code, done.stdout) == (1, "")
    error, hint = done.stderr.splitlines()
    assert error == f"Error: SQLite {sqlite3.sqlite_version} is too old: hotmig needs 3.40.0 or later"
    assert hint == "Hint: run hotmig with a Python that is built with a newer SQLite"
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_sqlite_that_will_do_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 0))
    assert run("status", "-d", tmp_path).exit_code == 0


def test_status_imports_neither_rich_nor_the_compiler_while_a_migration_is_under_way(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(MODULE)
    os.utime(tmp_path / "schema.py", (0, 0))  # written before the migration began
    old_database(tmp_path / OLD, "recording")
    new_database(tmp_path / NEW)
    dear = ("rich", "subprocess", "socket", "hotmig.schema", "hotmig.catalog.read", "hotmig.planning.model")
    code = (
        "import sys; from hotmig.cli.app import cli\n"
        f"try: cli.main(['status', '-d', {str(tmp_path)!r}])\n"
        f"except SystemExit: print([name for name in {dear!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_no_error(tmp_path: Path, encoding: str) -> None:
    directory = tmp_path / os.fsdecode(b"shop \xff\xe2\x86\x92")
    directory.mkdir()
    old_database(directory / OLD)
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "hotmig", "status", "-d", str(directory)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert encoding != "utf-8" or os.fsencode(directory) in done.stdout


def test_a_reader_who_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "hotmig", "--help"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_stops_it_with_one_line_and_its_number(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "schema.py").write_text(WAITING)
    waiting = process("path", "--wait", "600", "-d", tmp_path)
    wait_for(tmp_path / "started")
    waiting.send_signal(number)
    output, errors = waiting.communicate()
    assert (waiting.returncode, output) == (128 + number, "")
    assert ERROR.fullmatch(errors)


def test_a_signal_that_was_to_be_ignored_stays_ignored(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(WAITING)
    waiting = process(
        "path", "--wait", "600", "-d", tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    wait_for(tmp_path / "started")
    waiting.send_signal(signal.SIGHUP)
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate()
    assert waiting.returncode == 128 + signal.SIGTERM


# Everybody who may ask it to stop does, at one moment of its end.
STOPPED = """import atexit, os, signal, sys
from hotmig.__main__ import main
from hotmig.cli import failures
def stop():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
def first(function):
    return lambda *rest: (stop(), function(*rest))[1]
def behind(function):
    return lambda *rest: (function(*rest), stop())[0]
{when}
main()
"""
WHEN = {
    "while the process ends": "atexit.register(stop)",
    "before the error is told": "failures._told = first(failures._told)",
    "behind the error": "failures._tell = behind(failures._tell)",
}


def stopped(when: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STOPPED.format(when=WHEN[when]), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("when", WHEN)
def test_behind_the_end_there_is_nothing_to_be_stopped(tmp_path: Path, when: str) -> None:
    done = stopped(when, "status", "-d", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    failed = stopped(when, "status", "-d", tmp_path / "absent")
    assert failed.returncode == 2
    assert ERROR.fullmatch(failed.stderr)


def test_whoever_goes_on_asking_gets_one_answer(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(WAITING)
    waiting = process("path", "--wait", "600", "-d", tmp_path)
    wait_for(tmp_path / "started")
    waiting.send_signal(signal.SIGTERM)
    assert waiting.stderr is not None
    told = waiting.stderr.readline()
    while waiting.poll() is None:
        waiting.send_signal(signal.SIGINT)
    assert waiting.returncode == 128 + signal.SIGTERM
    assert ERROR.fullmatch(told + waiting.stderr.read())


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


@pytest.mark.parametrize("option", ["--max-pause", "--hold"])
@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf"])
def test_what_is_no_number_of_seconds_is_refused(tmp_path: Path, option: str, seconds: str) -> None:
    # With --wait nan the waiting would have no end.
    for command in (("drain", option), ("path", "--wait")):
        result = run(*command, seconds, "--dir", tmp_path)
        assert (result.exit_code, result.stderr.splitlines()[0].startswith("Error: Invalid value")) == (2, True)


def test_a_closed_stdout_does_not_make_a_failure_of_what_was_done(tmp_path: Path) -> None:
    old_database(tmp_path / OLD)
    (tmp_path / "schema.py").write_text(MODULE + "    rank: int = 0\n")
    for command in ("plan", "migrate", "drain", "cutover"):
        line = '"$0" -m hotmig "$1" --dir "$2" >&-'
        done = subprocess.run(
            ["sh", "-c", line, sys.executable, command, str(tmp_path)], text=True, stderr=subprocess.PIPE, check=False
        )
        told = done.stderr if command == "plan" else told_behind_the_run(done.stderr)
        assert (done.returncode, told) == (0, ""), command
