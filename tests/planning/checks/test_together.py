"""The checks together: their order, their names, and what they share."""

from __future__ import annotations

import pytest

from hotmig.planning import checks
from hotmig.planning.checking import Facts, check, registered
from tests.planning.checks.building import CLIENT, TWO, client
from tests.planning.planned import planned


def test_a_migration_in_which_everything_is_declared_has_no_findings() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("tier: str = 'basic'") + 'dropped("client", "nickname")')
    assert found.findings == ()


def test_blocking_findings_come_first() -> None:
    facts = Facts(journal_mode="delete", old_size=60_000_000, user_id=1, owner_id=2)
    found = planned("CREATE TABLE t(x TEXT)", "@table\nclass T:\n    x: str | None\n", facts=facts)
    assert [each.severity for each in found.findings] == ["block", "warn", "note"]


def test_every_check_is_registered_once_and_named_after_what_it_finds() -> None:
    names = [each.name for each in registered()]
    assert names == sorted(set(names))
    assert len(names) == len([name for name in dir(checks) if hasattr(getattr(checks, name), "findings")])
    with pytest.raises(ValueError, match="two checks are named target"):
        check("target")(lambda _: ())


@pytest.mark.parametrize("name", ["select", "a b", 'quo"te', "brack]et", "dot.ted", "emoji 😀", "it's"])
def test_names_of_every_kind(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    rows = "('a', 'b'), ('a', NULL), (NULL, 'c')"
    old = f"CREATE TABLE {quoted}({quoted} TEXT, gone TEXT);; INSERT INTO {quoted} VALUES {rows}"
    module = f"@table({name!r})\nclass T:\n    x: Annotated[str, Column({name!r}), Unique]\n"
    found = planned(old, module)
    assert found.of("unanswered") == []
    assert [each.check for each in found.blocking] == ["dropped-column", "not-null", "unique"]
