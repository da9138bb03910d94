"""A new file that is overwritten while it is built: status says what to do, and that leads to the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.test_hostile_states import check_projection, finish, project_after


@pytest.mark.parametrize("done", [("migrate",), ("migrate", "drain")], ids=" ".join)
def test_status_leads_on_from_a_new_file_that_was_overwritten(done: tuple[str, ...], tmp_path: Path) -> None:
    project = project_after(tmp_path, *done)
    new = project.new
    new.write_bytes(b"not a database" * 1000)
    told = project.run("status", "--check", code=1).out
    assert f"  ! {new.name} is no database any more: move it away, and `hotmig migrate` builds it again\n" in told
    assert told.splitlines()[-1].startswith("Next: hotmig migrate ")
    assert told.splitlines()[-1].endswith(f"  # once {new.name} is moved away")
    assert new.name in project.run("migrate", code=1).err
    new.rename(tmp_path / "aside")
    assert finish(project)[0] == "migrate"
    check_projection(project)
