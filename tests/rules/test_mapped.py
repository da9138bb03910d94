"""``Mapped``: old values are replaced by canonical ones, in the copy and for whatever is written meanwhile."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hotmig.errors import SchemaError
from hotmig.schema.load import load
from tests.rules.project import IMPORTS, Project

OLD = """
    CREATE TABLE note(id INTEGER PRIMARY KEY, project TEXT, body TEXT);
    INSERT INTO note VALUES (1, 'Shadow', 'a'), (2, ' light ', 'b'), (3, '', 'c'), (4, NULL, 'd'), (5, 'other', 'e'),
        (6, 'light', 'f'), (7, 'ÖKO', 'g'), (8, x'736861646f77', 'h'), (9, '  ', 'i'), (10, 'umbra', 'j');
"""
NEW = """
@table
class Note:
    id: Annotated[int, Key] = auto()
    project: Annotated[str | None, Mapped({MAPPING}, fold_case=True)] = None
    body: str | None = None
"""
DICT = '{"shadow": "light", "Umbra": "light", "öko": "Ökologie"}'
CARRIED = [
    (1, "light"), (2, "light"), (3, ""), (4, None), (5, "other"), (6, "light"), (7, "Ökologie"), (8, b"shadow"),
    (9, "  "), (10, "light"),
]  # fmt: skip
ROWS = "SELECT id, project FROM note ORDER BY id"


def module(mapping: str) -> str:
    return NEW.replace("{MAPPING}", mapping)


def test_old_values_are_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, OLD, module(DICT))
    project.through()
    assert project.new(ROWS) == CARRIED
    assert "Nothing to do" in project.run("plan").output


@pytest.mark.parametrize("wal", [True, False])
def test_what_is_written_while_it_runs_ends_with_the_same_result(tmp_path: Path, wal: bool) -> None:
    project = Project.begin(tmp_path, OLD, module(DICT), wal=wal)
    project.through(
        "INSERT INTO note VALUES (11, 'SHADOW', 'k'), (12, 'öKO ', 'l')",
        "UPDATE note SET project = 'umbra' WHERE id = 5",
        "UPDATE note SET project = 'unknown' WHERE id = 1",
        "DELETE FROM note WHERE id = 2",
    )
    changed = {1: "unknown", 5: "light", 11: "light", 12: "Ökologie"}
    expected = {**dict(CARRIED), **changed}
    del expected[2]
    assert dict(project.new(ROWS)) == expected


def test_the_plan_counts_what_changes_and_what_no_alias_covers(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, OLD, module(DICT))
    assert project.messages("mapped") == [
        "4 values of note.project get a canonical value:"
        " id 1 'Shadow' → 'light'; id 2 ' light ' → 'light'; id 7 'ÖKO' → 'Ökologie'; …",
        "1 value of note.project that no alias covers stays as it is: id 5 'other'",
    ]
    assert "column note.project → note.project through 3 aliases" in project.plan()["differences"]


def test_a_schema_whose_rules_alone_are_new_is_a_migration_until_no_row_is_affected(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, OLD, module(DICT))
    project.through()
    project.change(module('{"shadow": "light"}'))
    assert project.plan()["nothing_to_do"] is True
    assert "already has this schema" in project.run("migrate").output
    assert project.new("SELECT count(*) FROM note") == [(10,)]
    project.change(module('{"other": "else"}'))
    assert project.plan()["nothing_to_do"] is False


def test_aliases_come_from_a_file_whose_content_is_part_of_the_hash(tmp_path: Path) -> None:
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"projects": [{"id": "light", "aliases": ["shadow", "umbra"]}, {"id": "Ökologie"}]}))
    project = Project.begin(
        tmp_path, OLD, module('from_json("registry.json", items="projects", canonical="id", aliases="aliases")')
    )
    before = project.plan()["schema_hash"]
    registry.write_text(json.dumps({"projects": [{"id": "light", "aliases": ["shadow", "umbra", "other"]}]}))
    assert project.plan()["schema_hash"] != before
    project.through()
    assert dict(project.new(ROWS))[5] == "light"


MISTAKES = {
    "missing": (None, "registry.json can't be read: No such file or directory"),
    "no JSON": ("{", "registry.json is no JSON: "),
    "no list": ("{}", 'registry.json has no list under "projects"'),
    "no canonical": ('{"projects": [{}]}', "registry.json: entry 1 has no canonical value id"),
    "no aliases": (
        '{"projects": [{"id": "a", "aliases": "b"}]}',
        "registry.json: entry 1: the aliases of 'a' are no list of texts",
    ),
    "twice": ('{"projects": [{"id": "a"}, {"id": "a"}]}', "registry.json: 'a' stands in it twice"),
    "claimed": (
        '{"projects": [{"id": "a", "aliases": ["X"]}, {"id": "b", "aliases": ["x "]}]}',
        "registry.json: the alias 'x ' is claimed by two canonical values: 'a' and 'b'",
    ),
    "canonical claimed": (
        '{"projects": [{"id": "a", "aliases": ["B"]}, {"id": "b"}]}',
        "registry.json: the alias 'b' is claimed by two canonical values: 'a' and 'b'",
    ),
    "no entry with aliases": (
        '{"projects": [{"id": "a", "alias": ["b"]}, {"id": "c"}]}',
        "no entry of registry.json has aliases",
    ),
    "lone surrogate": (
        '{"projects": [{"id": "a", "aliases": ["\\ud800"]}]}',
        "registry.json: the alias '\\ud800' has half of a surrogate pair in it",
    ),
    "nesting": ("[" * 100_000, "registry.json can't be read: its lists are nested too deeply"),
    "empty alias": ('{"projects": [{"id": "a", "aliases": [" "]}]}', "registry.json: an alias of 'a' is empty"),
    "blanks": ('{"projects": [{"id": " a"}]}', "registry.json: the canonical value ' a' is empty or has blanks"),
}


@pytest.mark.parametrize(("content", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mapping_that_makes_no_sense_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "registry.json").write_text(content)
    (tmp_path / "schema.py").write_text(
        IMPORTS + module('from_json("registry.json", items="projects", canonical="id", aliases="aliases")')
    )
    with pytest.raises(SchemaError) as error:
        load(tmp_path / "schema.py")
    assert message in str(error.value)
    assert f"{tmp_path}/schema.py:9: " in str(error.value)


def test_the_member_that_was_meant_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('[{"id": "a", "aliases": ["b"]}]')
    (tmp_path / "schema.py").write_text(IMPORTS + module('from_json("r.json", canonical="id", aliases="alias")'))
    with pytest.raises(SchemaError, match=r"no entry of r\.json has alias") as error:
        load(tmp_path / "schema.py")
    assert error.value.hint == "did you mean aliases?"


@pytest.mark.parametrize("where", ["schema.py", "names.py"])
def test_a_file_that_makes_no_sense_is_told_of_where_it_is_named(tmp_path: Path, where: str) -> None:
    """A name for the mapping is used by several tables: none of them is to blame."""
    named = '\n\nNAMES = from_json(\n    "r.json", canonical="id", aliases="aliases")\n'
    if where == "names.py":
        (tmp_path / "names.py").write_text("from hotmig.schema import from_json\n" + named)
        named = "from names import NAMES\n"
    (tmp_path / "schema.py").write_text(IMPORTS + named + module("NAMES"))
    with pytest.raises(SchemaError) as error:
        load(tmp_path / "schema.py")
    assert str(error.value).startswith(f"{tmp_path}/{where}:{7 if where == 'schema.py' else 4}: r.json can't be read")


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"], ids=["", "texts"])
@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("Mapped(5)", "the mapping 5 is neither a dict nor from_json(…)"),
        ("Mapped({}, fold_case='yes')", "fold_case='yes' is neither True nor False"),
        ("Mapped(from_json(5, canonical='a', aliases='b'))", "from_json() takes the name of a file, not 5"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(tmp_path: Path, future: str, marker: str, message: str) -> None:
    text = IMPORTS.removeprefix("from __future__ import annotations\n")
    text += NEW.replace("Mapped({MAPPING}, fold_case=True)", marker)
    (tmp_path / "schema.py").write_text(future + text)
    with pytest.raises(SchemaError) as error:
        load(tmp_path / "schema.py")
    assert f"{tmp_path}/schema.py:{9 if future else 8}: {message}" in str(error.value)
    assert error.value.hint is not None
    assert "correct the " not in error.value.hint


def test_a_canonical_value_is_what_its_column_makes_of_it(tmp_path: Path) -> None:
    """So texts that stand for numbers can become numbers, and the next migration has nothing to do."""
    old = """CREATE TABLE note(id INTEGER PRIMARY KEY, size INTEGER, ratio REAL);
        INSERT INTO note VALUES (1, 'n/a', 'half'), (2, 3, 2.5), (3, 'few', 1);"""
    new = """
@table
class Note:
    id: Annotated[int, Key] = auto()
    size: Annotated[int | None, Mapped({"n/a": "0", "few": "3"})] = None
    ratio: Annotated[float | None, Mapped({"half": "0.50"})] = None
"""
    project = Project.begin(tmp_path, old, new)
    project.through("UPDATE note SET size = ' n/a' WHERE id = 2", "INSERT INTO note VALUES (4, 'few', 'half')")
    assert project.new("SELECT id, size, ratio FROM note") == [(1, 0, 0.5), (2, 0, 2.5), (3, 3, 1.0), (4, 3, 0.5)]
    assert "Nothing to do" in project.run("plan").output


def test_a_column_that_follows_its_reference_is_not_mapped_as_well(tmp_path: Path) -> None:
    project = Project.begin(
        tmp_path,
        """CREATE TABLE project(name TEXT PRIMARY KEY);
        CREATE TABLE note(id INTEGER PRIMARY KEY, project TEXT REFERENCES project(name));""",
        """
@table
class Project:
    name: Annotated[str, Key, Mapped({"shadow": "light"})]

@table
class Note:
    id: Annotated[int, Key] = auto()
    project: Annotated[str | None, References("Project", "name"), Mapped({"shadow": "light"})] = None
""",
    )
    assert project.messages("mapped-column", code=1) == [
        "note.project has aliases and follows its reference to project: map the column that it refers to, not this one"
    ]


def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    project = Project.begin(
        tmp_path, OLD, module('from_json("registry.json", items="projects", canonical="id", aliases="aliases")')
    )
    os.mkfifo(tmp_path / "registry.json")
    assert "registry.json is no file" in project.run("plan", code=1).stderr
