"""What README and runbook promise: they name what exists, and what exists is named in them."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import hotmig.schema
from hotmig import errors
from hotmig.cli.output import FORMAT
from hotmig.schema.load import load
from hotmig.schema.types import TYPE_TABLE
from tests.commands import commands, groups

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TRIAGE = ROOT / "runbook" / "triage.md"
PAGES = (README, ROOT / "CHANGELOG.md", *sorted((ROOT / "runbook").glob("*.md")))
SOURCES = sorted((ROOT / "hotmig").rglob("*.py"))

FIRST_COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/hotmig demo",
    "python3 -m venv .venv && .venv/bin/pip install --quiet '.[test]' && .venv/bin/pytest",
)
REFUSALS = {"HotmigError", "SchemaError", "Blocked", "UsageError", "Refused", "GaveUp", "wrong", "_wrong"}
REFUSALS |= {"NotAllowedError", "DataMigrationFailed", "DataMigrationTooLong", "DowngradeDetected"}
OF_THEIR_OWN = ("demo", "bench")  # commands that work in a directory of their own
TELLING = 8  # letters: a shorter piece of a message says nothing by itself
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"hotmig [a-z-]+( \S+){0,3}")


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> tuple[Block, ...]:
    """The code blocks of a page, without the indentation of a list that they stand in."""
    return tuple(
        Block(language, "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True)))
        for indent, language, text in _FENCE.findall(read(page))
    )


def options(command: click.Command) -> set[str]:
    given = {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
    return given | {"--help", "-h"}


def all_text() -> str:
    return "\n".join(read(page) for page in PAGES)


# --- the first page


def test_the_readme_begins_with_the_two_commands_of_a_fresh_machine() -> None:
    assert tuple(block.text.strip() for block in blocks(README)[:2]) == FIRST_COMMANDS


def test_ci_runs_these_two_commands() -> None:
    script = read(ROOT / ".ci" / "run").splitlines()
    assert all(command in script for command in FIRST_COMMANDS)


def test_the_type_table_is_the_one_that_the_code_publishes() -> None:
    assert TYPE_TABLE in read(README)


def test_every_option_of_a_table_is_in_the_readme() -> None:
    named = [name for name in inspect.signature(hotmig.schema.table).parameters if name != "name"]
    assert [name for name in named if f"| `{name}=` |" not in read(README)] == []


# --- commands and options


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_option_is_in_readme_or_runbook(name: str) -> None:
    text = all_text()
    command = commands()[name]
    rows = [line for line in read(README).splitlines() if re.match(rf"\| `hotmig {name}[` ]", line)]
    assert len(rows) == 1, f"README has {len(rows)} rows for hotmig {name}"
    common = set.intersection(*(options(other) for key, other in commands().items() if key not in OF_THEIR_OWN))
    own = {option for option in options(command) - common if option.startswith("--")}
    assert [option for option in sorted(own) if f"`{option}`" not in rows[0]] == []
    assert [option for option in sorted(options(command)) if option not in text] == []


def test_every_exit_code_is_in_readme_and_triage() -> None:
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.HotmigError)]
    codes = {kind.exit_code for kind in kinds} | {0}
    assert codes == {0, 1, 2, 3, 4}
    for page in (README, TRIAGE):
        assert [code for code in sorted(codes) if f"\n| {code} | " not in read(page)] == [], page


# --- commands that are named somewhere exist


def told(page: Path) -> Iterator[str]:
    """The command lines of hotmig in a page: in its shell blocks, and in its code spans."""
    prose = _FENCE.sub("", read(page))
    spans = [span for span in _CODE.findall(prose) if span.startswith("hotmig ")]
    for block in blocks(page):
        if block.language in ("sh", "console", "ini"):
            lines = block.text.replace("\\\n", " ").splitlines()
            if block.language == "console":
                lines = [line[2:] for line in lines if line.startswith("$ ")]
            spans += [line for line in lines if not line.lstrip().startswith("#")]
    for span in spans:
        yield from invocations(span)


def invocations(line: str) -> Iterator[str]:
    """Each ``hotmig COMMAND …`` in a line of shell, without what follows it there."""
    for part in re.split(r"&&|\|\||;|\||>|\)|\"|'", line):
        found = re.search(r"(?:^|[\s$(/=])hotmig ([a-z].*|--\w.*)", part.strip())
        if found:
            yield f"hotmig {found[1].strip()}"


def hints() -> Iterator[tuple[str, str]]:
    """The command lines in the strings of the source: in backquotes, or a string of their own."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(read(source))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                spans = [node.value, *_CODE.findall(node.value)]
                where = f"{source.relative_to(ROOT)}:{node.lineno}"
                yield from ((where, span) for span in spans if _COMMAND.fullmatch(span))


def mistake(line: str) -> str | None:
    """Why a command line could not be typed, or None. Values and file names are not looked at."""
    words = shlex.split(line)[1:]
    if not words or words[0] == "COMMAND":
        return None
    if words[0].startswith("-"):
        return None if words[0] in ("--version", "--help", "-h") else f"no option {words[0]}"
    name = " ".join(words[: 2 if words[0] in groups() else 1])
    command = {**commands(), **groups()}.get(name)
    if command is None:
        return f"no command {name}"
    given = [word.split("=")[0] for word in words[1:] if word.startswith("-")]
    return next((f"{name} has no {option}" for option in given if option not in options(command)), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_in_the_docs_can_be_typed(page: Path) -> None:
    assert [(line, wrong) for line in told(page) if (wrong := mistake(line))] == []


def test_every_command_line_in_a_hint_can_be_typed() -> None:
    found = list(hints())
    assert len(found) > 30
    assert [(where, line, wrong) for where, line in found if (wrong := mistake(line))] == []


def test_a_command_line_that_cannot_be_typed_is_found() -> None:
    assert mistake("hotmig frobnicate") == "no command frobnicate"
    assert mistake("hotmig drain --quickly") == "drain has no --quickly"
    assert mistake("hotmig runs forget") == "no command runs forget"
    assert mistake("hotmig runs show RUN --limit 3") == "runs show has no --limit"
    assert mistake("hotmig runs list --limit 3") is None
    assert mistake("hotmig runs") is None
    assert list(invocations("a=$(hotmig path --wait 60) || exit; hotmig plan > x")) == [
        "hotmig path --wait 60",
        "hotmig plan",
    ]


# --- links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    links = [link.split("#")[0] for link in _LINK.findall(_FENCE.sub("", read(page))) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).is_file()] == []


def test_the_index_of_the_runbook_lists_every_page() -> None:
    listed = set(_LINK.findall(read(ROOT / "runbook" / "README.md")))
    assert listed == {page.name for page in (ROOT / "runbook").glob("*.md")} - {"README.md"}


# --- Python and JSON in the docs


def python_blocks() -> list[tuple[Path, str]]:
    return [(page, block.text) for page in PAGES for block in blocks(page) if block.language == "python"]


def schema_modules() -> list[tuple[Path, str]]:
    return [(page, text) for page, text in python_blocks() if "from hotmig.schema import" in text]


def test_all_python_in_the_docs_is_tried() -> None:
    """Schema modules are loaded below; the one program is run in tests/scenarios/test_runbook.py."""
    others = [page.name for page, text in python_blocks() if (page, text) not in schema_modules()]
    assert others == ["application.md"]


@pytest.mark.parametrize(("page", "text"), schema_modules(), ids=lambda value: getattr(value, "name", "module"))
def test_schema_modules_in_the_docs_load(page: Path, text: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.py"
    file.write_text(text, encoding="utf-8")
    genres = {"genres": [{"name": "science fiction", "aliases": ["sf"]}]}  # the file that an example names
    (tmp_path / "genres.json").write_text(json.dumps(genres))
    assert load(file).catalog.tables, page


def test_the_example_of_the_design_is_in_the_readme(tmp_path: Path) -> None:
    text = next(text for page, text in schema_modules() if page == README and '@table(was="client")' in text)
    file = tmp_path / "schema.py"
    file.write_text(text, encoding="utf-8")
    genres = {"genres": [{"name": "science fiction", "aliases": ["sf"]}]}  # the file that an example names
    (tmp_path / "genres.json").write_text(json.dumps(genres))
    schema = load(file)
    customer, orders = schema.catalog.tables
    assert (customer.name, [column.name for column in customer.columns]) == (
        "customer",
        ["id", "full_name", "email", "tier"],
    )
    assert (orders.name, [column.name for column in orders.columns], orders.strict) == (
        "orders",
        ["id", "customer_id", "total_cents", "placed_at", "note"],
        True,
    )
    assert [(entry.table, entry.column) for entry in schema.dropped] == [("client", "nickname")]
    assert [column.source for column in schema.tables[0].columns if column.source] == ["first_name || ' ' || last_name"]


def test_one_module_of_the_readme_uses_every_name_of_the_schema_package() -> None:
    modules = [text for page, text in schema_modules() if page == README]
    used = [{node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)} for text in modules]
    assert set(hotmig.schema.__all__) in [names & set(hotmig.schema.__all__) for names in used]


def test_json_in_the_docs_has_the_present_format() -> None:
    found = [json.loads(block.text) for block in blocks(README) if block.language == "json"]
    assert [each["format"] for each in found] == [FORMAT] * 3


# --- triage


def pieces(message: ast.expr) -> Iterator[str]:
    """What is constant in a message: alternatives included, values left out."""
    if isinstance(message, ast.Constant) and isinstance(message.value, str):
        yield message.value
    elif isinstance(message, ast.JoinedStr):
        yield from (piece for value in message.values for piece in pieces(value))
    elif isinstance(message, ast.BinOp):
        yield from (*pieces(message.left), *pieces(message.right))


def messages() -> Iterator[tuple[str, str]]:
    """The longest constant piece of every error message in the source, with its place."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(read(source))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in REFUSALS:
                message = node.args[1] if name == "wrong" and len(node.args) > 1 else node.args[0]
                piece = max(pieces(message), key=len, default="").strip(" :;,.(\"'")
                if len(piece) >= TELLING:
                    yield f"{source.relative_to(ROOT)}:{node.lineno}", piece


def test_every_error_message_is_in_the_triage() -> None:
    text = " ".join(read(TRIAGE).split())
    found = list(messages())
    assert len(found) > 100
    assert [(where, piece) for where, piece in found if piece not in text] == []


def test_every_finding_of_a_plan_is_in_the_triage() -> None:
    names = set()
    for source in sorted((ROOT / "hotmig" / "planning" / "checks").glob("*.py")):
        text = read(source)
        names |= set(re.findall(r'^NAME = "([a-z-]+)"', text, re.MULTILINE))
        names |= set(re.findall(r'Finding\("([a-z-]+)"', text))
    assert len(names) > 20
    assert [name for name in sorted(names) if f"`{name}`" not in read(TRIAGE)] == []


def test_the_two_messages_that_applications_see_are_in_the_runbook() -> None:
    from hotmig.capture.fence import paused_message, replaced_message

    for message in (paused_message("<file>"), replaced_message("<file>")):
        assert message in read(ROOT / "runbook" / "application.md")
        assert message.replace("<file>", "…") in read(TRIAGE)
