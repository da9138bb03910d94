"""The line to write is the field as it is in the module, with what is missing: pasting it changes nothing else."""

from __future__ import annotations

import pytest

from hotmig.planning.annotations import with_marker, with_orphans_null
from tests.planning.planned import planned

FROM = 'From("1")'


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("x: int", 'x: Annotated[int, From("1")]'),
        ("x: bool | None = None", 'x: Annotated[bool | None, From("1")] = None'),
        (
            "x: Annotated[str, Unique, Check('x > \\'\\'')] = 'a'",
            """x: Annotated[str, Unique, Check('x > \\'\\''), From("1")] = 'a'""",
        ),
        ("x: Annotated[int, From('y'), Key] = auto()", 'x: Annotated[int, Key, From("1")] = auto()'),
        ("x: Annotated[int, Was('y')]", 'x: Annotated[int, From("1")]'),
        ("x: t.Annotated['A', m.Was('y')] | None", """x: Annotated['A', From("1")] | None"""),
        ("x: Annotated[\n  int,\n  Key,  # the key\n]", 'x: Annotated[int, Key, From("1")]'),
        ("x: Money = 1", 'x: Annotated[Money, From("1")] = 1'),
        ("é: 'str'", """é: Annotated['str', From("1")]"""),
    ],
)
def test_a_marker_more(written: str, wanted: str) -> None:
    assert with_marker(written, FROM) == wanted


@pytest.mark.parametrize("written", ["", "x = 1", "x: (", "self.x: int", "x: int\ny: int"])
def test_what_is_no_field(written: str) -> None:
    assert with_marker(written, FROM) is None


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("a: A", 'a: Annotated[A | None, References(orphans="null")]'),
        (
            "a: Annotated[A, References(on_delete='CASCADE')]",
            """a: Annotated[A | None, References(on_delete='CASCADE', orphans="null")]""",
        ),
        (
            "a: Annotated['A', Was('b')] = auto()",
            """a: Annotated['A', Was('b'), References(orphans="null")] | None = auto()""",
        ),
        ("a: Annotated['A', Was('b')] | None", """a: Annotated['A', Was('b'), References(orphans="null")] | None"""),
    ],
)
def test_orphans_that_become_null(written: str, wanted: str) -> None:
    assert with_orphans_null(written) == wanted


def test_a_fix_that_is_pasted_in_place_of_the_field_mends_the_finding() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, NULL), (2, 'b')"
    field = "x: Annotated[str, Check(\"x <> 'a'\"), Unique] = 'b'"
    module = "@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    {}\n"
    ((_, _, fix),) = planned(old, module.format(field)).of("not-null")
    assert fix is not None
    mended = planned(old, module.format(fix))
    assert mended.blocking == ()
    assert mended.plan.new == planned(old, module.format(field)).plan.new
