"""Data migrations that end in another way than by a return or an exception: in two processes, or with the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.phases.data_shops import marks, numbered, open_data_shop, states
from tests.phases.processes import patched
from tests.phases.shops import Shop

WORK = "db.execute('UPDATE item SET name = upper(name)')"


def names(shop: Shop) -> list[tuple[str]]:
    return shop.ask("SELECT name FROM item WHERE id < 3 ORDER BY id", shop.new)


# --- a fork


def forking(child: str, status: str, when: str = "cutover") -> str:
    body = f"""
        import os
        child = os.fork()
        if child == 0:
            {child}
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == {status}, status
        {WORK}
    """
    return numbered("001_forks", body, when=when)


CHILDREN = {
    "returns": ("return", "0"),
    "raises": ("raise ValueError('in the child')", "1"),
    "exits": ("sys.exit(7)", "1"),
    "uses the connection": ("db.execute('DELETE FROM item')", "1"),
}


@pytest.mark.parametrize("when", ["cutover", "after"])
@pytest.mark.parametrize("child", CHILDREN)
def test_the_child_of_a_fork_ends_where_the_function_ends(tmp_path: Path, child: str, when: str) -> None:
    """Both would go on with one set of connections, and commit, each what it knows."""
    shop = open_data_shop(tmp_path / "shop", forking(*CHILDREN[child], when))
    shop.run("migrate")
    process = patched(shop, "", "drain", "--cutover", "--max-pause", "20")
    out, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert (out.count("ran data migration 001_forks"), told.count("\n")) == (1, 1)
    assert names(shop) == [("ITEM 1",), ("ITEM 2",)]
    assert marks(shop) == [("001_forks", True, False, None)]
    assert (shop.phase(), states(shop)) == ("retired", {"001_forks": "applied"})
    assert shop.ask("PRAGMA integrity_check", shop.new) == [("ok",)]
